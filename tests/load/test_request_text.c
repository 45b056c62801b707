/* test_request_text.c: the bytes of a request, and what may not be in it. */
#include "tools/load/request_text.h"

#include "tests/test.h"

static const char *made(struct request_parts parts, bool close)
{
    static char text[1024];
    struct bytes request = request_text(&parts, close);
    expect(request.len < sizeof text);
    memcpy(text, request.at, request.len);
    text[request.len] = '\0';
    free((char *)request.at);
    return text;
}

TEST(request_text, is_what_goes_on_the_wire)
{
    struct request_parts parts = {.method = "GET", .target = "/a", .host = "h:1"};
    expect_text(made(parts, false), "GET /a HTTP/1.1\r\nHost: h:1\r\nUser-Agent: "
                                    "quartet-load/" QUARTET_VERSION "\r\n\r\n");
    expect(strstr(made(parts, true), "\r\nConnection: close\r\n\r\n") != NULL);
}

TEST(request_text, has_length_and_body)
{
    struct request_parts parts = {
        .method = "POST", .target = "/", .host = "h", .body = BYTES("a\0b"), .has_body = true};
    struct bytes request = request_text(&parts, false);
    struct bytes end = BYTES("Content-Length: 3\r\n\r\na\0b");
    expect(request.len > end.len);
    expect(memcmp(request.at + request.len - end.len, end.at, end.len) == 0);
    free((char *)request.at);
    parts.body.len = 0;
    expect(strstr(made(parts, false), "Content-Length: 0\r\n\r\n") != NULL);
}

TEST(request_text, lets_headers_replace_its_own)
{
    static const char *const headers[] = {"host: other", "Connection: keep-alive", "X: 1"};
    struct request_parts parts = {
        .method = "GET", .target = "/", .host = "h", .headers = headers, .header_count = 3};
    const char *text = made(parts, true);
    expect(strstr(text, "Host: h") == NULL && strstr(text, "host: other\r\n") != NULL);
    expect(strstr(text, "close") == NULL && strstr(text, "X: 1\r\n") != NULL);
}

TEST(request_text, takes_only_fields_that_are_fields)
{
    char error[REQUEST_ERROR_MAX];
    static const char *const bad[] = {"",          "X",          ": v",
                                      "X : v",     "X: a\r\nY:", "Content-Length: 3",
                                      "X: a\001b", " X: v",      "transfer-encoding: chunked"};
    expect(request_header_good("Accept: */*", error));
    expect(request_header_good("X:", error));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_msg(!request_header_good(bad[i], error), "'%s' was accepted", bad[i]);
    }
    expect(request_method_good("PATCH"));
    expect(!request_method_good("") && !request_method_good("GE T") && !request_method_good("G\n"));
}
