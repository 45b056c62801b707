/* test_access_log.c: the lines of access_log.h, read back from a file. */
#include "core/exchange/access_log.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct conn conn;
static struct exchange *exchange;
static char path[64], moved[80];
static struct access_log *access_log;
static struct access_log_buffer buffer;

/* A request of 512.25 us in all, answered whole. */
static void make_exchange(void)
{
    exchange = calloc(1, sizeof(*exchange));
    struct request *request = &exchange->request;
    request->line = BYTES("GET /x HTTP/1.1");
    request->fields[0] = (struct field){BYTES("referer"), BYTES("http://a/b")};
    request->fields[1] = (struct field){BYTES("User-Agent"), BYTES("test")};
    request->field_count = 2;
    exchange->response.status = 200;
    exchange->sent = 4231;
    exchange->stamps = (struct stamps){.arrived_ns = 965500,
                                       .first_byte_ns = 1000000,
                                       .whole_ns = 1003100,
                                       .started_ns = 1023140,
                                       .handed_ns = 1423140,
                                       .writer_ns = 1431140,
                                       .first_sent_ns = 1431140,
                                       .last_sent_ns = 1512250};
    conn = (struct conn){.exchange = exchange};
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &conn.peer.address);
}

static void begin(void)
{
    make_exchange();
    snprintf(path, sizeof(path), "/tmp/quartet-access-%d", getpid());
    snprintf(moved, sizeof(moved), "%s.1", path);
    unlink(path);
    access_log = access_log_open(path);
    expect(access_log != NULL);
    access_log_buffer_init(&buffer, access_log);
}

static void finish(void)
{
    access_log_buffer_deinit(&buffer);
    access_log_close(access_log);
    unlink(path);
    unlink(moved);
    free(exchange);
}

static const char *content(const char *of)
{
    static char text[1 << 20];
    FILE *file = fopen(of, "r");
    size_t len = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    text[len] = '\0';
    return text;
}

/* The line of the exchange as it is now, from behind the time on. */
static const char *line(void)
{
    access_log_write(&buffer, &conn);
    access_log_flush(&buffer);
    const char *text = content(path);
    const char *last = text + strlen(text) - 1;
    while (last > text && last[-1] != '\n') {
        last--;
    }
    const char *bracket = strstr(last, "] ");
    expect(bracket != NULL);
    return bracket + 2;
}

TEST(access_log, writes_combined_then_times_then_the_end)
{
    begin();
    expect_text(line(),
                "\"GET /x HTTP/1.1\" 200 4231 \"http://a/b\" \"test\" 512 read=3.1 "
                "process.wait=20.04 process=400 write.wait=8 write=81.11 socket.wait=34.5 close=- "
                "answer=whole\n");
    finish();
}

TEST(access_log, begins_with_host_and_time)
{
    begin();
    (void)line();
    const char *text = content(path);
    const char shape[] = "192.0.2.7 - - [00/Aaa/0000:00:00:00 +0000] \"GET";
    for (size_t i = 0; i + 1 < sizeof(shape); i++) {
        bool in_time = i >= 15 && i < 35;
        bool digit = in_time && shape[i] == '0';
        bool letter = in_time && (shape[i] == 'A' || shape[i] == 'a');
        expect(digit ? text[i] >= '0' && text[i] <= '9' : letter || text[i] == shape[i]);
    }
    finish();
}

TEST(access_log, has_a_dash_for_what_is_missing)
{
    begin();
    exchange->request = (struct request){0};
    exchange->response.status = 0;
    exchange->sent = 0;
    exchange->stamps = (struct stamps){0};
    exchange->cut = CLOSE_CLIENT_GONE;
    conn.close = CLOSE_CLIENT_GONE;
    expect_text(line(), "\"-\" - 0 \"-\" \"-\" -1 read=-1 process.wait=-1 process=-1 "
                        "write.wait=-1 write=-1 socket.wait=-1 close=client_gone answer=cut\n");
    finish();
}

TEST(access_log, tells_a_cut_answer_with_its_status)
{
    begin();
    exchange->cut = CLOSE_IO_TIMEOUT;
    conn.close = CLOSE_IO_TIMEOUT;
    const char *text = line();
    expect(strstr(text, "\" 200 4231 \"") != NULL);
    expect(strstr(text, " close=io_timeout answer=cut\n") != NULL);
    finish();
}

TEST(access_log, escapes_what_the_client_sent)
{
    begin();
    exchange->request.line = BYTES("GET /\"\\\n\x7f\xc3 HTTP/1.1");
    expect(strstr(line(), "\"GET /\\\"\\\\\\x0a\\x7f\\xc3 HTTP/1.1\" 200") != NULL);
    finish();
}

TEST(access_log, keeps_the_longest_line_in_its_bound)
{
    begin();
    static char nasty[16384];
    memset(nasty, '\x01', sizeof(nasty));
    struct bytes view = {nasty, sizeof(nasty)};
    exchange->request.line = view;
    exchange->request.fields[0].value = view;
    exchange->request.fields[1].value = view;
    exchange->stamps = (struct stamps){.first_byte_ns = 1, .last_sent_ns = UINT64_MAX / 2};
    exchange->sent = UINT64_MAX;
    const char *text = line();
    size_t len = strlen(text);
    expect(len > 3000 && len + 64 < ACCESS_LOG_LINE_MAX);
    expect(strstr(text, "\\x01...\" 200 18446744073709551615 \"\\x01") != NULL);
    expect(strchr(text, '\n') == text + len - 1);
    finish();
}

TEST(access_log, flushes_by_itself_when_there_is_no_room)
{
    begin();
    for (int i = 0; i < 1000; i++) {
        access_log_write(&buffer, &conn);
    }
    expect(buffer.len < ACCESS_LOG_BUFFER);
    size_t before = strlen(content(path));
    expect(before > 0 && content(path)[before - 1] == '\n');
    access_log_flush(&buffer);
    unsigned lines = 0;
    for (const char *at = content(path); (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    expect_int(lines, 1000);
    finish();
}

TEST(access_log, goes_on_in_a_new_file_after_reopen)
{
    begin();
    (void)line();
    expect_int(rename(path, moved), 0);
    access_log_write(&buffer, &conn);
    access_log_flush(&buffer); /* still the old one */
    size_t two = strlen(content(moved));
    expect(access_log_reopen(access_log));
    access_log_write(&buffer, &conn);
    access_log_flush(&buffer);
    expect_int(strlen(content(moved)), two);
    expect_int(strlen(content(path)), two / 2);
    finish();
}

TEST(access_log, keeps_the_old_file_when_reopen_fails)
{
    char directory[] = "/tmp/quartet-access-XXXXXX";
    char inside[64];
    begin();
    expect(mkdtemp(directory) != NULL);
    snprintf(inside, sizeof(inside), "%s/log", directory);
    struct access_log *log = access_log_open(inside);
    expect(log != NULL);
    expect_int(unlink(inside) + rmdir(directory), 0);
    expect(!access_log_reopen(log) && errno == ENOENT);
    struct access_log_buffer other;
    access_log_buffer_init(&other, log);
    access_log_write(&other, &conn);
    access_log_buffer_deinit(&other);
    expect_int(access_log_lost(log), 0);
    access_log_close(log);
    finish();
}

TEST(access_log, counts_the_lines_it_could_not_write)
{
    begin();
    struct access_log *full = access_log_open("/dev/full");
    struct access_log_buffer other;
    access_log_buffer_init(&other, full);
    access_log_write(&other, &conn);
    access_log_write(&other, &conn);
    access_log_flush(&other);
    expect_int(access_log_lost(full), 2);
    access_log_write(&other, &conn);
    access_log_buffer_deinit(&other);
    expect_int(access_log_lost(full), 3);
    access_log_close(full);
    finish();
}

TEST(access_log, says_why_it_cannot_be_opened)
{
    expect(access_log_open("/nonexistent/log") == NULL && errno == ENOENT);
    access_log_close(NULL);
}

TEST(access_log, tells_an_answer_that_fell_short_as_cut)
{
    begin();
    exchange->response.cut_short = true;
    exchange->close = CLOSE_SERVER_ERROR;
    expect(strstr(line(), " close=server_error answer=cut\n") != NULL);
    finish();
}

/* Takes what is in the pipe, which consists of whole lines, and returns how many they are. */
static unsigned take_lines(int fd)
{
    static char text[1 << 20];
    size_t len = 0;
    unsigned lines = 0;
    for (ssize_t n; (n = read(fd, text + len, sizeof(text) - len)) > 0;) {
        len += (size_t)n;
    }
    for (size_t i = 0; i < len; i++) {
        bool starts = i == 0 || text[i - 1] == '\n';
        expect(!starts || strncmp(text + i, "192.0.2.7 - - [", 15) == 0);
        lines += text[i] == '\n';
    }
    expect(len == 0 || text[len - 1] == '\n');
    return lines;
}

TEST(access_log, does_not_wait_for_the_reader_of_a_pipe_and_counts_what_it_does_not_take)
{
    char fifo[80];
    begin();
    snprintf(fifo, sizeof(fifo), "%s.fifo", path);
    expect_int(mkfifo(fifo, 0600), 0);
    expect(access_log_open(fifo) == NULL && errno == ENXIO);
    expect(strstr(access_log_error(errno), "FIFO that nobody reads") != NULL);
    int reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct access_log *log = access_log_open(fifo);
    expect(log != NULL);
    (void)fcntl(reader, F_SETPIPE_SZ, 65536);
    struct access_log_buffer other;
    access_log_buffer_init(&other, log);
    for (int i = 0; i < 1000; i++) {
        access_log_write(&other, &conn);
    }
    access_log_flush(&other);
    unsigned lines = take_lines(reader);
    expect(lines > 0 && lines < 1000);
    expect_int(lines + access_log_lost(log), 1000);
    access_log_write(&other, &conn); /* there is room again */
    access_log_flush(&other);
    expect_int(take_lines(reader), 1);
    expect_int(close(reader), 0);
    expect(!access_log_reopen(log) && errno == ENXIO);
    access_log_buffer_deinit(&other);
    access_log_close(log);
    unlink(fifo);
    finish();
}

static void *write_many(void *unused)
{
    struct access_log_buffer own;
    access_log_buffer_init(&own, access_log);
    for (int i = 0; i < 2000; i++) {
        access_log_write(&own, &conn);
    }
    access_log_buffer_deinit(&own);
    return unused;
}

TEST(access_log, keeps_the_lines_of_threads_apart_even_while_reopening)
{
    begin();
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        expect_int(pthread_create(&threads[i], NULL, write_many, NULL), 0);
    }
    for (int i = 0; i < 20; i++) {
        expect(access_log_reopen(access_log)); /* the same file again */
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    unsigned lines = 0;
    FILE *file = fopen(path, "r");
    char text[ACCESS_LOG_LINE_MAX];
    while (fgets(text, sizeof(text), file) != NULL) {
        expect(strncmp(text, "192.0.2.7 - - [", 15) == 0);
        expect(strstr(text, " answer=whole\n") != NULL);
        lines++;
    }
    fclose(file);
    expect_int(lines, 6000);
    finish();
}
