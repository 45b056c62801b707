/* The table of handlers, and waiting on purpose. */
#include "core/handler.h"

#include "core/clock.h"
#include "core/conn.h"
#include "tests/core/answer.h"

#include <pthread.h>

static const char *found(const char *path)
{
    return handler_find(bytes_of(path))->name;
}

TEST(handler, finds_the_longest_prefix)
{
    expect_text(found("/"), "files");
    expect_text(found("/index.html"), "files");
    expect_text(found("/synthetic/spin"), "spin");
    expect_text(found("/synthetic/sleep"), "sleep");
    expect_text(found("/synthetic/async"), "async");
    expect_text(found("/synthetic/bytes"), "bytes");
    expect_text(found("/synthetic/stream"), "stream");
    expect_text(found("/synthetic/echo"), "echo");
    expect_text(found("/synthetic/forward"), "forward");
    expect_text(found("/synthetic/length"), "length");
    expect_text(found("/synthetic/input"), "input");
}

TEST(handler, matches_a_prefix_without_a_slash_as_a_whole)
{
    expect_text(found("/synthetic/spinx"), "files");
    expect_text(found("/synthetic/spin/"), "files");
    expect_text(found("/synthetic/spi"), "files");
    expect_text(found("/Synthetic/spin"), "files");
    expect_text(found("/synthetic/"), "files");
    expect_text(found("/x/synthetic/spin"), "files");
}

TEST(handler, finds_something_for_the_asterisk)
{
    expect_text(found("*"), "files");
    expect_text(found(""), "files");
}

TEST(handler, lists_methods)
{
    char list[64];
    expect_int(methods_list(METHOD_GET | METHOD_HEAD | METHOD_OPTIONS, list), 18);
    expect_text(list, "GET, HEAD, OPTIONS");
    expect_int(methods_list(63, list), strlen("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    expect_int(methods_list(0, list), 0);
    expect_text(list, "");
}

static struct client client;

/* Whether a client may use a handler, by the options that govern it. */
static bool may_use(const char *path, unsigned synthetic, unsigned status, bool local)
{
    struct conn conn = {.peer = {.local = local}};
    client_init(&client);
    client.settings.synthetic = synthetic;
    client.settings.status = status;
    client_ask(&client, METHOD_GET, path, "");
    client.x->conn = &conn;
    handler_choose(client.x);
    bool allowed = handler_may_be_used(client.x);
    /* One who is told that there is nothing counts like any other who is told that. */
    expect_int(exchange_is_counted(client.x), client.x->handler->counted || !allowed);
    client_deinit(&client);
    return allowed;
}

TEST(handler, is_used_by_those_whom_its_option_lets)
{
    for (unsigned local = 0; local < 2; local++) {
        expect(may_use("/index.html", WHO_OFF, WHO_OFF, local));
        expect(may_use("/synthetic/spin", WHO_ON, WHO_OFF, local));
        expect(!may_use("/synthetic/spin", WHO_OFF, WHO_ON, local));
        expect_int(may_use("/synthetic/spin", WHO_LOOPBACK, WHO_OFF, local), local);
        expect(may_use("/server-status", WHO_OFF, WHO_ON, local));
        expect(!may_use("/metrics", WHO_ON, WHO_OFF, local));
        expect_int(may_use("/metrics", WHO_OFF, WHO_LOOPBACK, local), local);
        expect_int(may_use("/server-status", WHO_ON, WHO_LOOPBACK, local), local);
    }
}

TEST(handler, forwards_to_the_handler_of_a_target)
{
    static const struct {
        const char *target, *path, *query, *handler;
    } cases[] = {
        {"/", "/", "", "files"},
        {"/hello.txt", "/hello.txt", "", "files"},
        {"/hello.txt?a=b?c", "/hello.txt", "a=b?c", "files"},
        {"/a/./b//..//%68ello.txt?%68", "/a/hello.txt", "%68", "files"},
        {"/synthetic/bytes?n=5", "/synthetic/bytes", "n=5", "bytes"},
        {"/synthetic/%62ytes?n=5", "/synthetic/bytes", "n=5", "bytes"},
        {"/synthetic/forward?to=/synthetic/forward", "/synthetic/forward", "to=/synthetic/forward",
         "forward"},
    };
    client_init(&client);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char target[100];
        client_ask(&client, METHOD_GET, "/synthetic/forward", "to=x");
        client.x->cursor = 7;
        strcpy(target, cases[i].target);
        expect(handler_forward(client.x, bytes_of(target)));
        memset(target, 'x', sizeof target); /* it has been copied */
        expect_bytes(client.x->request.path, cases[i].path);
        expect_bytes(client.x->request.query, cases[i].query);
        expect_text(client.x->handler->name, cases[i].handler);
        expect_int(client.x->cursor, 0);
    }
    client_deinit(&client);
}

TEST(handler, forwards_to_a_part_of_what_it_was_forwarded_to)
{
    client_init(&client);
    client_ask(&client, METHOD_GET, "/synthetic/forward", "");
    expect(handler_forward(client.x, BYTES("/a/%62?/c/%64?/e/f")));
    expect_bytes(client.x->request.path, "/a/b");
    expect(handler_forward(client.x, client.x->request.query));
    expect_bytes(client.x->request.path, "/c/d");
    expect(handler_forward(client.x, client.x->request.query));
    expect_bytes(client.x->request.path, "/e/f");
    expect(handler_forward(client.x, client.x->request.path));
    expect_bytes(client.x->request.path, "/e/f");
    expect_bytes(client.x->request.query, "");
    client_deinit(&client);
}

TEST(handler, forwards_to_nothing_that_a_client_could_not_ask_for)
{
    static char longest[FORWARD_TARGET_MAX + 2];
    static const char *const targets[] = {
        "",     "*",     "hello.txt", "http://a/b", "/a b",   "/a\r\nb",
        "/a#b", "/../a", "/a/../..",  "/%2e%2e/a",  "/a%2fb", "/%00",
        "/%0a", "/%x",   "/a%",       "/a%5cb",     longest,
    };
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    client_init(&client);
    client_ask(&client, METHOD_GET, "/before", "query");
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        expect_msg(!handler_forward(client.x, bytes_of(targets[i])), "%s", targets[i]);
        expect_bytes(client.x->request.path, "/before");
        expect_bytes(client.x->request.query, "query");
    }
    longest[FORWARD_TARGET_MAX] = '\0';
    expect(handler_forward(client.x, bytes_of(longest)));
    client_deinit(&client);
}

TEST(handler, waits_as_long_as_asked)
{
    uint64_t until = clock_ns() + 2 * NS_PER_MS;
    patience_spin(until);
    expect(clock_ns() >= until);
    until = clock_ns() + 2 * NS_PER_MS;
    patience_sleep(until);
    expect(clock_ns() >= until);
    expect(!patience_ended());
}

static void *sleep_long(void *arg)
{
    (void)arg;
    patience_sleep(clock_ns() + 3600 * NS_PER_S);
    return NULL;
}

static void *spin_long(void *arg)
{
    (void)arg;
    patience_spin(clock_ns() + 3600 * NS_PER_S);
    return NULL;
}

/* The last test of the file: patience that has ended does not come back. */
TEST(handler, ends_every_wait_at_once)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        expect(pthread_create(&threads[i], NULL, i < 2 ? sleep_long : spin_long, NULL) == 0);
    }
    patience_end();
    for (int i = 0; i < 4; i++) {
        expect(pthread_join(threads[i], NULL) == 0);
    }
    expect(patience_ended());
    sleep_long(NULL);
    spin_long(NULL);
}
