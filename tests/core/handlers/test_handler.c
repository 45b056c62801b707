/* What handlers share: forwarding, and lists of methods. */
#include "core/handlers/handler.h"

#include "core/handlers/handlers.h"
#include "tests/core/answer.h"

static struct client client;

TEST(handler, lists_methods)
{
    char list[64];
    expect_int(methods_list(METHOD_GET | METHOD_HEAD | METHOD_OPTIONS, list), 18);
    expect_text(list, "GET, HEAD, OPTIONS");
    expect_int(methods_list(63, list), strlen("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    expect_int(methods_list(0, list), 0);
    expect_text(list, "");
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
        expect_text(handler_find(client.x->request.path)->name, cases[i].handler);
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
