/* test_plan.c: the load generator's command line, and what a run is made of it. */
#include "tools/load/plan.h"

#include "core/base/clock.h"
#include "core/options/option_reading.h"
#include "core/options/option_text.h"
#include "tests/test.h"

#include <unistd.h>

static struct load_settings settings;
static struct option_source source;
static struct plan plan;
static char error[OPTION_ERROR_MAX];

static bool read_arguments(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    error[0] = '\0';
    return option_read_arguments(&load_options, &settings, &source, argc, argv, error);
}

static bool make(char **argv)
{
    return read_arguments(argv) && plan_make(&plan, &settings, error);
}

#define URL                   "http://127.0.0.1:81/a"
#define ARGS(...)             ((char *[]){"quartet-load", __VA_ARGS__, NULL})
#define expect_good(...)      expect_msg(make(ARGS(__VA_ARGS__)), "%s", error)
#define expect_bad(text, ...) expect_text((make(ARGS(__VA_ARGS__)) ? "accepted" : error), text)

static bool request_has(unsigned target, const char *words)
{
    struct bytes request = plan.targets[target].keep;
    return memmem(request.at, request.len, words, strlen(words)) != NULL;
}

TEST(load_options, take_urls_without_a_dash_and_with_one)
{
    expect_good(URL, "-c", "3", "3,http://127.0.0.1:81/b", "--url", "2,http://127.0.0.1:81/c", "--",
                "http://127.0.0.1:81/d");
    expect_int(settings.url.count, 4);
    expect_int(settings.connections, 3);
    expect_int(plan.target_count, 4);
    expect_int(plan.targets[1].url.weight, 3);
    expect_text(plan.targets[3].text, "http://127.0.0.1:81/d");
    plan_free(&plan);
}

TEST(load_options, have_defaults)
{
    expect_good(URL);
    expect_int(settings.connections, 64);
    expect_int(settings.duration_ns, 10 * NS_PER_S);
    expect_int(settings.warmup_ns, NS_PER_S);
    expect(!plan_is_open(&plan) && settings.pipeline == 1 && settings.seed == 1);
    expect_text(plan.method, "GET");
    plan_free(&plan);
}

TEST(load_options, refuse_what_would_have_no_effect)
{
    expect_bad("--think is for the closed loop, --rate is given: choose one", URL, "--rate", "1",
               "--think", "1s");
    expect_bad("--arrivals is for the open loop, --rate is missing", URL, "--arrivals", "poisson");
    expect_bad("--pipeline is more than --requests-per-connection", URL, "--pipeline", "4",
               "--requests-per-connection", "3");
    expect_bad("a URL is missing: http://HOST[:PORT]/TARGET or unix:PATH:/TARGET", "-c", "1");
}

TEST(load_options, bound_what_may_be_given_often)
{
    char *argv[OPTION_TEXTS_MAX + 3] = {"quartet-load"};
    for (int i = 1; i <= OPTION_TEXTS_MAX + 1; i++) {
        argv[i] = URL;
    }
    expect(!read_arguments(argv));
    expect_text(error, "--url: '" URL "' is not accepted: at most 16 of them");
}

TEST(load_options, print_help_no_wider_than_100_columns)
{
    char *help = NULL;
    size_t size;
    FILE *out = open_memstream(&help, &size);
    option_text_help(out, &load_options);
    fclose(out);
    for (size_t i = 0; i < load_options.count; i++) {
        char name[64];
        snprintf(name, sizeof name, "--%s", load_options.rows[i].name);
        expect_msg(strstr(help, name) != NULL, "%s is not in --help", name);
    }
    for (char *line = strtok(help, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        expect_msg(strlen(line) <= 100, "too long: %s", line);
    }
    free(help);
}

TEST(plan, has_the_bytes_of_each_request)
{
    expect_good(URL, "http://127.0.0.1:81/b?c", "-H", "X-One: 1", "-H", "X-Two: 2");
    expect(request_has(0, "GET /a HTTP/1.1\r\nHost: 127.0.0.1:81\r\n"));
    expect(request_has(1, "GET /b?c HTTP/1.1\r\n"));
    expect(request_has(1, "\r\nX-One: 1\r\nX-Two: 2\r\n"));
    plan_free(&plan);
}

TEST(plan, makes_or_reads_the_body)
{
    char path[] = "/tmp/quartet-load-XXXXXX";
    int fd = mkstemp(path);
    expect(fd >= 0 && write(fd, "from a file", 11) == 11);
    close(fd);
    expect_good(URL, "--body", "@3");
    expect_text(plan.method, "POST");
    expect(request_has(0, "Content-Length: 3\r\n\r\nabc"));
    plan_free(&plan);
    expect_good(URL, "--body", path, "-X", "PUT");
    expect_text(plan.method, "PUT");
    expect(request_has(0, "Content-Length: 11\r\n\r\nfrom a file"));
    plan_free(&plan);
    unlink(path);
    expect_bad("--body: '@x' is not accepted: a FILE, or @SIZE up to 1G", URL, "--body", "@x");
    expect_bad("--body: '/' is not accepted: a file that can be read, of at most 1G", URL, "--body",
               "/");
    plan_free(&plan);
}

TEST(plan, knows_a_good_answer)
{
    static char hash[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect_good(URL, "--expect", hash, "--expect", "204");
    expect(plan.expect_hash && plan.hash[0] == 0xba && plan.expect_status == 204);
    plan_free(&plan);
    expect(!make(ARGS(URL, "--expect", "204", "--expect", "200")));
    expect(strstr(error, "one status from 200 to 599") != NULL);
    expect(!make(ARGS(URL, "--expect", "100")));
}

TEST(plan, is_of_one_server)
{
    expect_bad("--url: 'http://127.0.0.1:82/' is not accepted: the server of the first URL: a mix "
               "is of one server",
               URL, "http://127.0.0.1:82/");
    plan_free(&plan);
}
