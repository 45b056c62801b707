/* test_http_target.c: the forms of a target, what a path becomes, which hosts are valid. */
#include "core/http/target.h"
#include "tests/test.h"

TEST(target, takes_the_origin_form_apart)
{
    struct http_target parts;
    expect(http_target_split(BYTES("/a/b?c=d?e"), false, &parts) == NULL);
    expect_bytes(parts.path, "/a/b");
    expect_bytes(parts.query, "c=d?e");
    expect(parts.authority.at == NULL);
    expect(http_target_split(BYTES("/?"), false, &parts) == NULL);
    expect_bytes(parts.path, "/");
    expect_int(parts.query.len, 0);
}

TEST(target, takes_the_absolute_form_apart)
{
    static const struct {
        const char *target, *path, *query, *authority;
    } cases[] = {
        {"http://a.example/x?y", "/x", "y", "a.example"},
        {"HTTP://a.example:80/", "/", "", "a.example:80"},
        {"https://a.example", "/", "", "a.example"},
        {"http://a.example?y", "/", "y", "a.example"},
        {"http://[::1]:8080/x", "/x", "", "[::1]:8080"},
        {"http://a//b", "//b", "", "a"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_target parts;
        expect_msg(http_target_split(bytes_of(cases[i].target), false, &parts) == NULL, "%s",
                   cases[i].target);
        expect_bytes(parts.path, cases[i].path);
        expect(bytes_equal(parts.query, bytes_of(cases[i].query)));
        expect_bytes(parts.authority, cases[i].authority);
    }
}

TEST(target, knows_the_whole_server_for_options_only)
{
    struct http_target parts;
    expect(http_target_split(BYTES("*"), true, &parts) == NULL);
    expect_bytes(parts.path, "*");
    expect(http_target_split(BYTES("http://a"), true, &parts) == NULL);
    expect_bytes(parts.path, "*");
    expect(http_target_split(BYTES("http://a?x"), true, &parts) == NULL);
    expect_bytes(parts.path, "/");
    expect(http_target_split(BYTES("*"), false, &parts) != NULL);
    expect(http_target_split(BYTES("**"), true, &parts) != NULL);
    expect(http_target_split(BYTES("*?x"), true, &parts) != NULL);
}

TEST(target, refuses_all_other_forms)
{
    static const char *const targets[] = {
        "",
        "a",
        "a.example:80",
        "http:/a",
        "http://",
        "http:///x",
        "http://:80/",
        "ftp://a/x",
        "http://user@a/x",
        "http://a:b@c/",
        "http://a:x/",
        "http://[::1/",
        "http://a%zz/",
        "http://[]/",
        "http://[1.2.3.4]/",
        "?x",
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct http_target parts;
        expect_msg(http_target_split(bytes_of(targets[i]), false, &parts) != NULL, "%s",
                   targets[i]);
    }
}

TEST(target, decodes_once_and_normalises)
{
    static const struct {
        const char *raw, *path;
    } cases[] = {
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/%41%62", "/Ab"},
        {"/%c3%A4", "/\xc3\xa4"},
        {"/a%20b", "/a b"},
        {"/%3f%23%25", "/?#%"},
        {"/%2541", "/%41"},
        {"/%252e%252e/a", "/%2e%2e/a"},
        {"/.", "/"},
        {"/./", "/"},
        {"/./a", "/a"},
        {"/a/.", "/a/"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/../b", "/b"},
        {"/a/b/../../c", "/c"},
        {"/a/b/..", "/a/"},
        {"/a/%2e%2e/b", "/b"},
        {"/a/%2E./b", "/b"},
        {"/a/%2e/b", "/a/b"},
        {"/a//../b", "/b"},
        {"//", "/"},
        {"//a", "/a"},
        {"/a///b//", "/a/b/"},
        {"/.hidden", "/.hidden"},
        {"/...", "/..."},
        {"/a..b/..c/d..", "/a..b/..c/d.."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes raw = bytes_of(cases[i].raw);
        char *out = malloc(raw.len);
        size_t len = 0;
        const char *fault = http_path_decode(raw, out, &len);
        expect_msg(fault == NULL, "%s: %s", cases[i].raw, fault);
        expect_bytes(((struct bytes){out, len}), cases[i].path);
        expect_msg(!http_path_is_plain(raw) || strcmp(cases[i].raw, cases[i].path) == 0, "%s",
                   cases[i].raw);
        free(out);
    }
}

TEST(target, refuses_paths_that_could_be_read_in_two_ways)
{
    static const char *const paths[] = {
        "/..",       "/../",      "/../a",  "/a/../..", "/a/../../b", "/%2e%2e", "/.%2e/a", "/./..",
        "/a//../..", "/%",        "/%4",    "/a%",      "/%zz",       "/%4g",    "/%%41",   "/%-1",
        "/%00",      "/a%00.txt", "/%0a",   "/%0D%0A",  "/%1f",       "/%7f",    "/%09",    "/%2f",
        "/a%2Fb",    "/..%2f",    "/a%5cb", "/..%5C..", "/%4/a",      "/%/41",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char out[64];
        size_t len;
        struct bytes raw = bytes_of(paths[i]);
        expect_msg(http_path_decode(raw, out, &len) != NULL, "%s", paths[i]);
        expect_msg(!http_path_is_plain(raw), "%s", paths[i]);
    }
    /* An escape cut off by the end of the path is not completed by what lies behind it. */
    char out[8];
    size_t len;
    expect(http_path_decode((struct bytes){"/%41", 3}, out, &len) != NULL);
    expect(http_path_decode((struct bytes){"/%41", 2}, out, &len) != NULL);
}

TEST(target, knows_valid_hosts)
{
    static const char *const valid[] = {
        "a",     "a.example",     "127.0.0.1",          "127.0.0.1:8080",   "a:",
        "a:80",  "[::1]",         "[::1]:80",           "[::ffff:1.2.3.4]", "xn--a_b~",
        "a%20b", "a!$&'()*+,;=b", "[1:2:3:4:5:6:7:8]:",
    };
    static const char *const invalid[] = {
        "",
        ":",
        ":80",
        "a b",
        "a/b",
        "a@b",
        "a:b",
        "a:80:90",
        "a:-1",
        "a:+80",
        "a: 80",
        "a\tb",
        "a%",
        "a%4",
        "a%gg",
        "[",
        "[]",
        "[::1",
        "::1",
        "[::1]a",
        "[::1]80",
        "[1.2.3.4]",
        "[::1%25eth0]",
        "[v1.x]",
        "a[b",
        "a]b",
        "a?b",
        "a#b",
        "a\\b",
        "a\"b",
        "<a>",
        "a\xc3\xa4",
        "http://a",
        "[1:2:3:4:5:6:7:8:9]",
        "[11111111111111111111111111111111111111111111111111111]",
    };
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        expect_msg(http_host_is_valid(bytes_of(valid[i])), "%s", valid[i]);
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        expect_msg(!http_host_is_valid(bytes_of(invalid[i])), "%s", invalid[i]);
    }
    expect(!http_host_is_valid(BYTES("[::1\0]")));
}
