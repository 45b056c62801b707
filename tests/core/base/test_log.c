/* test_log.c: the lines of log.h, caught by a pipe in the place of stderr. */
#include "core/base/log.h"

#include "core/base/clock.h"
#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

static int real_stderr, pipe_out;

static void catch_begin(void)
{
    int ends[2];
    expect_int(pipe(ends), 0);
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pipe_out = ends[0];
}

/* Everything since catch_begin. */
static const char *catch_end(void)
{
    static char text[65536];
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    size_t len = 0;
    ssize_t n;
    while ((n = read(pipe_out, text + len, sizeof(text) - 1 - len)) > 0) {
        len += (size_t)n;
    }
    close(pipe_out);
    text[len] = '\0';
    return text;
}

static unsigned count_of(const char *text, const char *word)
{
    unsigned count = 0;
    for (; (text = strstr(text, word)) != NULL; text++) {
        count++;
    }
    return count;
}

TEST(log, begins_a_line_with_time_name_and_level)
{
    catch_begin();
    log_line(LOG_WARN, "%d of %s", 3, "four");
    const char *text = catch_end();
    static const char shape[] = "0000-00-00T00:00:00.000Z quartet warn: 3 of four\n";
    expect_int(strlen(text), strlen(shape));
    for (size_t i = 0; i < 24; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        expect(shape[i] == '0' ? digit : text[i] == shape[i]);
    }
    expect_text(text + 24, shape + 24);
}

TEST(log, leaves_out_what_is_above_the_level)
{
    catch_begin();
    log_line(LOG_DEBUG, "hidden");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "shown");
    log_set_level(LOG_ERROR);
    log_line(LOG_WARN, "hidden");
    log_set_level(LOG_INFO);
    const char *text = catch_end();
    expect_int(count_of(text, "hidden"), 0);
    expect_int(count_of(text, "quartet debug: shown\n"), 1);
}

TEST(log, keeps_one_line_one_line)
{
    catch_begin();
    log_line(LOG_INFO, "a\r\nb\x1b[31m");
    expect(strstr(catch_end(), ": a??b?[31m\n") != NULL);
}

TEST(log, cuts_a_long_line_and_still_ends_it)
{
    char longer[5000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    catch_begin();
    log_line(LOG_INFO, "%s", longer);
    const char *text = catch_end();
    expect(strlen(text) <= 1024 && strlen(text) > 900);
    expect_int(text[strlen(text) - 1], '\n');
}

TEST(log, leaves_errno_alone)
{
    catch_begin();
    errno = ENOSPC;
    close(STDERR_FILENO); /* the write fails */
    log_line(LOG_INFO, "lost");
    int after = errno;
    (void)catch_end();
    expect_int(after, ENOSPC);
}

TEST(log, prints_the_first_of_a_burst_and_counts_the_rest)
{
    static struct log_rate rate;
    catch_begin();
    for (int i = 0; i < 10; i++) {
        log_rated(&rate, 3600 * NS_PER_S, LOG_INFO, "number %d", i);
    }
    atomic_store(&rate.next_ns, 0); /* the hour has passed */
    log_rated(&rate, 3600 * NS_PER_S, LOG_INFO, "later");
    const char *text = catch_end();
    expect_int(count_of(text, "\n"), 2);
    expect(strstr(text, ": number 0\n") != NULL);
    expect(strstr(text, ": later (9 more left out)\n") != NULL);
}

static struct log_rate shared_rate;

/* Few enough that all of the lines, printed by mistake, would still fit into the pipe. */
static void *log_many(void *unused)
{
    for (int i = 0; i < 200; i++) {
        log_rated(&shared_rate, 3600 * NS_PER_S, LOG_INFO, "one of many");
    }
    return unused;
}

TEST(log, prints_once_however_many_threads_there_are)
{
    pthread_t threads[4];
    catch_begin();
    for (int i = 0; i < 4; i++) {
        expect_int(pthread_create(&threads[i], NULL, log_many, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    expect_int(count_of(catch_end(), "\n"), 1);
    expect_int(atomic_load(&shared_rate.left_out), 799);
}
