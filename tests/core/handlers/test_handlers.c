/* The table of handlers, and who may use which. */
#include "core/handlers/handlers.h"

#include "core/exchange/conn.h"
#include "tests/core/answer.h"

static const char *found(const char *path)
{
    return handler_find(bytes_of(path))->name;
}

TEST(handlers, finds_the_longest_prefix)
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

TEST(handlers, matches_a_prefix_without_a_slash_as_a_whole)
{
    expect_text(found("/synthetic/spinx"), "files");
    expect_text(found("/synthetic/spin/"), "files");
    expect_text(found("/synthetic/spi"), "files");
    expect_text(found("/Synthetic/spin"), "files");
    expect_text(found("/synthetic/"), "files");
    expect_text(found("/x/synthetic/spin"), "files");
}

TEST(handlers, finds_something_for_the_asterisk)
{
    expect_text(found("*"), "files");
    expect_text(found(""), "files");
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
    /* A refused request gets 404 and counts as any other 404 does. */
    expect_int(exchange_is_counted(client.x), client.x->handler->counted || !allowed);
    client_deinit(&client);
    return allowed;
}

TEST(handlers, is_used_by_those_whom_its_option_lets)
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
