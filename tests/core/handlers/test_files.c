/* The file handler, through whole exchanges: what is answered for what is on disk and what is
 * asked. */
#include "core/handlers/files.h"

#include "core/base/clock.h"
#include "core/http/date.h"
#include "tests/core/answer.h"
#include "tests/core/tree.h"

static struct tree tree;
static struct client client;
static char value[256];

/* A site that every test may read; `age` 0 makes the cache check the file for every request. */
static void setup(uint64_t entries, uint64_t bytes, uint64_t age_ns)
{
    char error[FILES_ERROR_MAX];
    tree_make(&tree);
    tree_write(&tree, "hello.txt", "hello, world\n");
    tree_write(&tree, "index.html", "<p>root");
    tree_write(&tree, "empty", "");
    tree_write_size(&tree, "medium.bin", 20000);
    tree_write_size(&tree, "large.bin", 200000);
    tree_directory(&tree, "dir");
    tree_write(&tree, "dir/index.html", "<p>dir");
    tree_directory(&tree, "bare");
    tree_settle();
    client.settings.root = tree.path;
    client.settings.file_cache_entries = entries;
    client.settings.file_cache = bytes;
    client.settings.file_cache_age_ns = age_ns;
    client_init(&client);
    expect(files_init(&client.settings, error));
}

static void setup_usual(void)
{
    setup(100, 1 << 20, 0);
}

static void teardown(void)
{
    client_deinit(&client);
    files_deinit();
    tree_remove(&tree);
}

/* A request with up to three fields, given as name, value pairs; NULL where there is none. */
static void ask(enum method method, const char *path, const char *const pairs[6])
{
    client_ask(&client, method, path, "");
    for (unsigned i = 0; i < 6 && pairs != NULL && pairs[i] != NULL; i += 2) {
        client_field(&client, pairs[i], pairs[i + 1]);
    }
    client_run(&client, files_run);
    expect_int(client.verdict, HANDLER_DONE);
}

static int status(const char *path)
{
    ask(METHOD_GET, path, NULL);
    return client_status(&client);
}

static int status_with(const char *path, const char *name, const char *text)
{
    const char *const pairs[6] = {name, text};
    ask(METHOD_GET, path, pairs);
    return client_status(&client);
}

static const char *field(const char *name)
{
    return client_value(&client, name, value);
}

/* Content-Length says what the body is, and the body is the `len` bytes at `at`. */
static void expect_body(const char *at, size_t len)
{
    struct bytes body = client_body(&client);
    expect_int(atoll(field("Content-Length")), len);
    expect_int(body.len, len);
    expect(memcmp(body.at, at, len) == 0);
}

static void expect_body_text(const char *text)
{
    expect_body(text, strlen(text));
}

static char letter_at(size_t at)
{
    return (char)('a' + at % 26);
}

static void expect_letters(size_t first, size_t len)
{
    struct bytes body = client_body(&client);
    expect_int(atoll(field("Content-Length")), len);
    expect_int(body.len, len);
    for (size_t i = 0; i < len; i++) {
        expect(body.at[i] == letter_at(first + i));
    }
}

TEST(files, needs_a_directory_for_a_root)
{
    char error[FILES_ERROR_MAX];
    struct settings settings = {.root = "/nonexistent"};
    expect(!files_init(&settings, error));
    expect_text(error, "cannot open the root directory /nonexistent: No such file or directory");
    files_deinit();
}

TEST(files, serves_a_file_with_all_its_fields)
{
    setup_usual();
    expect_int(status("/hello.txt"), 200);
    expect_text(field("Content-Type"), "text/plain; charset=utf-8");
    expect_text(field("Accept-Ranges"), "bytes");
    expect_text(field("Vary"), "");
    expect_text(field("Content-Encoding"), "");
    expect(field("ETag")[0] == '"' && value[strlen(value) - 1] == '"');
    time_t modified = http_date_parse(field("Last-Modified"), HTTP_DATE_LEN);
    expect(modified != (time_t)-1 && modified <= clock_wall_s() && modified > clock_wall_s() - 60);
    expect_body_text("hello, world\n");
    expect(client.x == NULL || client.x->close == CLOSE_NONE);
    teardown();
}

/* The ways a body takes: copied, lent, sent from a descriptor; cold, warm and without a cache. */
static void serve_every_size(void)
{
    for (int round = 0; round < 2; round++) {
        expect_int(status("/empty"), 200);
        expect_body_text("");
        expect_int(status("/hello.txt"), 200);
        expect_body_text("hello, world\n");
        expect_int(status("/medium.bin"), 200);
        expect_letters(0, 20000);
        expect_int(status("/large.bin"), 200);
        expect_letters(0, 200000);
    }
}

TEST(files, serves_every_size)
{
    setup_usual();
    serve_every_size();
    teardown();
}

TEST(files, serves_every_size_without_memory)
{
    setup(100, 0, 3600 * NS_PER_S);
    serve_every_size();
    teardown();
}

TEST(files, serves_every_size_without_a_cache)
{
    setup(0, 0, 0);
    serve_every_size();
    teardown();
}

TEST(files, answers_head_as_get_without_a_body)
{
    setup_usual();
    static const char *const paths[] = {"/hello.txt", "/large.bin", "/missing", "/dir", "/empty"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        static char get[4096];
        status(paths[i]);
        size_t head = client.len - client_body(&client).len;
        memcpy(get, client.answer, head);
        ask(METHOD_HEAD, paths[i], NULL);
        expect_int(client.len, head);
        /* Date may have moved on by a second. */
        const char *date = strstr(get, "Date: ");
        memcpy(client.answer + (date - get), date, sizeof "Date: " + HTTP_DATE_LEN);
        expect(memcmp(client.answer, get, head) == 0);
    }
    teardown();
}

TEST(files, serves_the_index_of_a_directory)
{
    setup_usual();
    expect_int(status("/"), 200);
    expect_body_text("<p>root");
    expect_text(field("Content-Type"), "text/html; charset=utf-8");
    expect_int(status("/dir/"), 200);
    expect_body_text("<p>dir");
    expect_int(status("/bare/"), 404);
    expect_int(status("/hello.txt/"), 404);
    tree_directory(&tree, "bare/index.html");
    expect_int(status("/bare/"), 404);
    teardown();
}

TEST(files, redirects_a_directory_to_its_slash)
{
    setup_usual();
    tree_directory(&tree, "a b\xc3\xa9%\"<");
    expect_int(status("/dir"), 301);
    expect_text(field("Location"), "/dir/");
    expect_int(status("/a b\xc3\xa9%\"<"), 301);
    expect_text(field("Location"), "/a%20b%C3%A9%25%22%3C/");
    client_ask(&client, METHOD_GET, "/dir", "a=b&c=%2F");
    client_run(&client, files_run);
    expect_text(field("Location"), "/dir/?a=b&c=%2F");
    teardown();
}

TEST(files, redirects_to_no_other_host)
{
    setup_usual();
    tree_directory(&tree, "\\evil.example");
    expect_int(status("/\\evil.example"), 301);
    expect_text(field("Location"), "/%5Cevil.example/");
    expect_int(status("//dir"), 404);
    expect_int(status("//"), 404);
    teardown();
}

TEST(files, refuses_to_redirect_a_query_that_fits_no_head)
{
    static char query[3000];
    setup_usual();
    memset(query, 'q', sizeof query - 1);
    client_ask(&client, METHOD_GET, "/dir", query);
    client_run(&client, files_run);
    expect_int(client_status(&client), 414);
    teardown();
}

TEST(files, hides_what_is_not_to_be_seen)
{
    setup_usual();
    tree_write(&tree, ".secret", "x");
    tree_directory(&tree, ".well-known");
    tree_write(&tree, ".well-known/security.txt", "Contact: x");
    expect(symlink("/etc/passwd", tree_name(&tree, "out")) == 0);
    expect(symlink("dir/../hello.txt", tree_name(&tree, "in")) == 0);
    expect(symlink("..", tree_name(&tree, "up")) == 0);
    expect(mkfifo(tree_name(&tree, "fifo"), 0644) == 0);
    expect_int(status("/.secret"), 404);
    expect_int(status("/out"), 404);
    expect_int(status("/up/"), 404);
    expect_int(status("/fifo"), 404);
    expect_int(status("/missing"), 404);
    expect_int(status("/in"), 200);
    expect_body_text("hello, world\n");
    expect_int(status("/.well-known/security.txt"), 200);
    teardown();
}

/* Root may read everything: then there is nothing to see here. */
TEST(files, forbids_what_it_may_not_read)
{
    if (geteuid() == 0) {
        return;
    }
    setup_usual();
    tree_write(&tree, "locked", "x");
    expect(chmod(tree_name(&tree, "locked"), 0) == 0);
    expect_int(status("/locked"), 403);
    teardown();
}

TEST(files, notices_a_changed_file)
{
    setup_usual();
    expect_int(status("/hello.txt"), 200);
    char etag[256];
    snprintf(etag, sizeof etag, "%s", field("ETag"));
    tree_write(&tree, "hello.txt", "HELLO, WORLD\n");
    expect_int(status("/hello.txt"), 200);
    expect_body_text("HELLO, WORLD\n");
    expect(strcmp(etag, field("ETag")) != 0);
    expect_int(status_with("/hello.txt", "If-None-Match", etag), 200);
    teardown();
}

/* The same length and the same time of modification, in place and by a rename. */
TEST(files, notices_a_change_that_keeps_length_and_mtime)
{
    setup_usual();
    struct stat stat_before;
    char etags[3][256];
    expect(stat(tree_name(&tree, "hello.txt"), &stat_before) == 0);
    const struct timespec times[2] = {stat_before.st_atim, stat_before.st_mtim};
    status("/hello.txt");
    snprintf(etags[0], sizeof etags[0], "%s", field("ETag"));
    tree_settle();
    tree_write(&tree, "hello.txt", "HELLO, WORLD\n");
    expect(utimensat(AT_FDCWD, tree_name(&tree, "hello.txt"), times, 0) == 0);
    status("/hello.txt");
    snprintf(etags[1], sizeof etags[1], "%s", field("ETag"));
    tree_settle();
    tree_write(&tree, "new", "Hello, World\n");
    expect(utimensat(AT_FDCWD, tree_name(&tree, "new"), times, 0) == 0);
    expect(rename(tree_name(&tree, "new"), tree_name(&tree, "hello.txt")) == 0);
    status("/hello.txt");
    snprintf(etags[2], sizeof etags[2], "%s", field("ETag"));
    expect(strcmp(etags[0], etags[1]) != 0);
    expect(strcmp(etags[1], etags[2]) != 0);
    teardown();
}

TEST(files, answers_while_its_file_is_dropped)
{
    setup(1, 1 << 20, 3600 * NS_PER_S);
    client_ask(&client, METHOD_GET, "/medium.bin", "");
    expect_int(files_run(client.x), HANDLER_DONE);
    struct client *other = calloc(1, sizeof *other);
    other->settings = client.settings;
    client_init(other);
    client_ask(other, METHOD_GET, "/large.bin", "");
    client_run(other, files_run);
    expect_int(other->len - client_body(other).len + 200000, other->len);
    for (struct bucket *b = response_made(client.x)->head; b != NULL; b = b->next) {
        client_read_bucket(&client, b);
    }
    expect_letters(0, 20000);
    client_deinit(other);
    free(other);
    teardown();
}

/* --- preconditions --- */

TEST(files, answers_304_with_what_a_cache_needs)
{
    setup_usual();
    char etag[256];
    status("/hello.txt");
    snprintf(etag, sizeof etag, "%s", field("ETag"));
    expect_int(status_with("/hello.txt", "If-None-Match", etag), 304);
    expect_text(field("ETag"), etag);
    expect(field("Last-Modified")[0] != '\0');
    expect(field("Date")[0] != '\0');
    expect_text(field("Content-Length"), "");
    expect_text(field("Content-Type"), "");
    expect_int(client_body(&client).len, 0);
    expect_int(client.x->close, CLOSE_NONE);
    const char *const pairs[6] = {"If-None-Match", etag};
    ask(METHOD_HEAD, "/hello.txt", pairs);
    expect_int(client_status(&client), 304);
    teardown();
}

TEST(files, minds_all_four_preconditions)
{
    setup_usual();
    static const char *const long_ago = "Sun, 06 Nov 1994 08:49:37 GMT";
    char modified[256];
    status("/hello.txt");
    snprintf(modified, sizeof modified, "%s", field("Last-Modified"));
    expect_int(status_with("/hello.txt", "If-Modified-Since", modified), 304);
    expect_int(status_with("/hello.txt", "if-modified-since", long_ago), 200);
    expect_int(status_with("/hello.txt", "If-Unmodified-Since", modified), 200);
    expect_int(status_with("/hello.txt", "If-Unmodified-Since", long_ago), 412);
    expect_int(status_with("/hello.txt", "If-Match", "\"x\""), 412);
    expect_int(status_with("/hello.txt", "If-Match", "*"), 200);
    expect_int(status_with("/missing", "If-Match", "*"), 404);
    expect_int(status_with("/missing", "If-None-Match", "*"), 404);
    expect_int(status_with("/dir", "If-None-Match", "*"), 301);
    teardown();
}

/* --- ranges --- */

TEST(files, serves_one_range)
{
    setup_usual();
    expect_int(status_with("/hello.txt", "Range", "bytes=7-11"), 206);
    expect_text(field("Content-Range"), "bytes 7-11/13");
    expect_text(field("Content-Type"), "text/plain; charset=utf-8");
    expect_body_text("world");
    expect_int(status_with("/medium.bin", "range", "bytes=-5000"), 206);
    expect_letters(15000, 5000);
    expect_int(status_with("/large.bin", "Range", "bytes=100000-"), 206);
    expect_text(field("Content-Range"), "bytes 100000-199999/200000");
    expect_letters(100000, 100000);
    teardown();
}

TEST(files, says_when_a_range_is_not_there)
{
    setup_usual();
    expect_int(status_with("/hello.txt", "Range", "bytes=13-"), 416);
    expect_text(field("Content-Range"), "bytes */13");
    expect_int(status_with("/hello.txt", "Range", "bytes=-0"), 416);
    expect_int(status_with("/empty", "Range", "bytes=0-0"), 200);
    teardown();
}

TEST(files, ignores_a_range_it_does_not_follow)
{
    setup_usual();
    static const char *const ignored[] = {"bytes=2-1", "lines=1-2", "bytes=x", "bytes=0-5,3-7"};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        expect_int(status_with("/hello.txt", "Range", ignored[i]), 200);
        expect_body_text("hello, world\n");
    }
    const char *const pairs[6] = {"Range", "bytes=0-1"};
    ask(METHOD_HEAD, "/hello.txt", pairs);
    expect_int(client_status(&client), 200);
    expect_text(field("Content-Length"), "13");
    teardown();
}

TEST(files, minds_if_range)
{
    setup_usual();
    char etag[256], modified[256];
    status("/hello.txt");
    snprintf(etag, sizeof etag, "%s", field("ETag"));
    snprintf(modified, sizeof modified, "%s", field("Last-Modified"));
    const char *const same[6] = {"If-Range", etag, "Range", "bytes=0-1"};
    ask(METHOD_GET, "/hello.txt", same);
    expect_int(client_status(&client), 206);
    const char *const date[6] = {"If-Range", modified, "Range", "bytes=0-1"};
    ask(METHOD_GET, "/hello.txt", date);
    expect_int(client_status(&client), 206);
    const char *const other[6] = {"Range", "bytes=0-1", "If-Range", "\"other\""};
    ask(METHOD_GET, "/hello.txt", other);
    expect_int(client_status(&client), 200);
    const char *const failed[6] = {"Range", "bytes=0-1", "If-None-Match", etag};
    ask(METHOD_GET, "/hello.txt", failed);
    expect_int(client_status(&client), 304);
    teardown();
}

/* Takes "--boundary CRLF head CRLF CRLF" off a multipart body and checks the part behind it. */
static const char *expect_part(const char *at, const char *boundary, const char *range, size_t len)
{
    char wanted[512];
    int head = snprintf(wanted, sizeof wanted,
                        "\r\n--%s\r\nContent-Type: application/octet-stream\r\n"
                        "Content-Range: bytes %s\r\n\r\n",
                        boundary, range);
    expect_msg(memcmp(at, wanted, (size_t)head) == 0, "part is %.200s, expected %s", at, wanted);
    at += head;
    for (size_t i = 0; i < len; i++) {
        expect(at[i] == letter_at((size_t)atoi(range) + i));
    }
    return at + len;
}

static void expect_parts(const char *path, const char *size, size_t middle)
{
    char boundary[256], range[300], first[64], last[64];
    snprintf(range, sizeof range, "bytes=0-0, 26-%zu , -2", 26 + middle - 1);
    expect_int(status_with(path, "Range", range), 206);
    expect_int(sscanf(field("Content-Type"), "multipart/byteranges; boundary=%255s", boundary), 1);
    expect_text(field("Content-Range"), "");
    struct bytes body = client_body(&client);
    expect_int(atoll(field("Content-Length")), body.len);
    snprintf(first, sizeof first, "26-%zu/%s", 26 + middle - 1, size);
    snprintf(range, sizeof range, "0-0/%s", size);
    snprintf(last, sizeof last, "%d-%d/%s", atoi(size) - 2, atoi(size) - 1, size);
    const char *at = expect_part(body.at, boundary, range, 1);
    at = expect_part(at, boundary, first, middle);
    at = expect_part(at, boundary, last, 2);
    snprintf(range, sizeof range, "\r\n--%s--\r\n", boundary);
    expect_text(at, range);
    expect_int(client.x->close, CLOSE_NONE);
}

TEST(files, serves_several_ranges)
{
    setup_usual();
    expect_parts("/medium.bin", "20000", 10);
    expect_parts("/medium.bin", "20000", 5000);
    expect_parts("/large.bin", "200000", 100000);
    teardown();
}

/* --- codings --- */

static void setup_siblings(void)
{
    setup_usual();
    tree_write(&tree, "hello.txt.gz", "GZIPPED");
    tree_write(&tree, "hello.txt.br", "BROTLI");
    tree_write(&tree, "dir/index.html.gz", "GZIPPED INDEX");
}

TEST(files, sends_the_coding_that_the_client_likes)
{
    setup_siblings();
    expect_int(status_with("/hello.txt", "Accept-Encoding", "gzip, br"), 200);
    expect_text(field("Content-Encoding"), "br");
    expect_text(field("Content-Type"), "text/plain; charset=utf-8");
    expect_text(field("Vary"), "Accept-Encoding");
    expect_body_text("BROTLI");
    expect_int(status_with("/hello.txt", "accept-encoding", "gzip, br;q=0.5"), 200);
    expect_text(field("Content-Encoding"), "gzip");
    expect_body_text("GZIPPED");
    expect_int(status_with("/hello.txt", "Accept-Encoding", "gzip;q=0"), 200);
    expect_text(field("Content-Encoding"), "");
    expect_text(field("Vary"), "Accept-Encoding");
    expect_body_text("hello, world\n");
    expect_int(status("/hello.txt"), 200);
    expect_text(field("Vary"), "Accept-Encoding");
    expect_int(status_with("/dir/", "Accept-Encoding", "gzip"), 200);
    expect_body_text("GZIPPED INDEX");
    expect_text(field("Content-Type"), "text/html; charset=utf-8");
    expect_int(status_with("/hello.txt.gz", "Accept-Encoding", "gzip"), 200);
    expect_text(field("Content-Encoding"), "");
    expect_text(field("Content-Type"), "application/gzip");
    teardown();
}

TEST(files, gives_each_coding_an_etag_of_its_own)
{
    setup_siblings();
    char etags[3][256];
    static const char *const accept[3] = {"identity", "gzip", "br"};
    for (int i = 0; i < 3; i++) {
        status_with("/hello.txt", "Accept-Encoding", accept[i]);
        snprintf(etags[i], sizeof etags[i], "%s", field("ETag"));
    }
    expect(strcmp(etags[0], etags[1]) != 0);
    expect(strcmp(etags[0], etags[2]) != 0);
    expect(strcmp(etags[1], etags[2]) != 0);
    const char *const same[6] = {"Accept-Encoding", "gzip", "If-None-Match", etags[1]};
    ask(METHOD_GET, "/hello.txt", same);
    expect_int(client_status(&client), 304);
    expect_text(field("Vary"), "Accept-Encoding");
    const char *const other[6] = {"Accept-Encoding", "gzip", "If-None-Match", etags[0]};
    ask(METHOD_GET, "/hello.txt", other);
    expect_int(client_status(&client), 200);
    teardown();
}

TEST(files, tells_codings_of_one_inode_apart)
{
    setup_usual();
    expect(link(tree_name(&tree, "hello.txt"), tree_name(&tree, "hello.txt.gz")) == 0);
    char etag[256];
    status("/hello.txt");
    snprintf(etag, sizeof etag, "%s", field("ETag"));
    expect_int(status_with("/hello.txt", "Accept-Encoding", "gzip"), 200);
    expect_text(field("Content-Encoding"), "gzip");
    expect(strcmp(etag, field("ETag")) != 0);
    teardown();
}

TEST(files, cuts_ranges_from_the_chosen_coding)
{
    setup_siblings();
    const char *const pairs[6] = {"Accept-Encoding", "gzip", "Range", "bytes=1-3"};
    ask(METHOD_GET, "/hello.txt", pairs);
    expect_int(client_status(&client), 206);
    expect_text(field("Content-Range"), "bytes 1-3/7");
    expect_text(field("Content-Encoding"), "gzip");
    expect_body_text("ZIP");
    teardown();
}

TEST(files, sends_no_sibling_that_is_old_or_no_file)
{
    setup_siblings();
    tree_touch(&tree, "hello.txt.br", -100);
    expect_int(status_with("/hello.txt", "Accept-Encoding", "br, gzip"), 200);
    expect_text(field("Content-Encoding"), "gzip");
    expect(unlink(tree_name(&tree, "hello.txt.gz")) == 0);
    tree_directory(&tree, "hello.txt.gz");
    expect_int(status_with("/hello.txt", "Accept-Encoding", "br, gzip"), 200);
    expect_text(field("Content-Encoding"), "");
    expect_text(field("Vary"), "");
    teardown();
}

TEST(files, goes_back_to_the_original_when_it_overtakes_its_sibling)
{
    setup(100, 1 << 20, 3600 * NS_PER_S);
    tree_write(&tree, "hello.txt.gz", "GZIPPED");
    tree_settle();
    expect_int(status("/hello.txt"), 200);
    expect_text(field("Vary"), "Accept-Encoding");
    tree_touch(&tree, "hello.txt.gz", -100);
    expect_int(status_with("/hello.txt", "Accept-Encoding", "gzip"), 200);
    expect_text(field("Content-Encoding"), "");
    teardown();
}

TEST(files, goes_back_to_the_original_when_a_sibling_goes)
{
    setup(100, 1 << 20, 3600 * NS_PER_S);
    tree_write(&tree, "hello.txt.gz", "GZIPPED");
    tree_settle();
    expect_int(status("/hello.txt"), 200);
    expect(unlink(tree_name(&tree, "hello.txt.gz")) == 0);
    expect_int(status_with("/hello.txt", "Accept-Encoding", "gzip"), 200);
    expect_text(field("Content-Encoding"), "");
    expect_body_text("hello, world\n");
    teardown();
}
