/* Content-Type by extension. */
#include "core/http/mime.h"

#include "tests/test.h"

#include <unistd.h>

static const char *type_of(const char *name)
{
    static char text[MIME_TYPE_MAX + 1];
    text[mime_of(bytes_of(name), text)] = '\0';
    return text;
}

TEST(mime, knows_the_web_without_a_system_table)
{
    mime_init("/nonexistent");
    expect_text(type_of("index.html"), "text/html; charset=utf-8");
    expect_text(type_of("dir/a.css"), "text/css; charset=utf-8");
    expect_text(type_of("a.js"), "text/javascript; charset=utf-8");
    expect_text(type_of("a.json"), "application/json; charset=utf-8");
    expect_text(type_of("a.svg"), "image/svg+xml; charset=utf-8");
    expect_text(type_of("a.png"), "image/png");
    mime_deinit();
}

TEST(mime, takes_the_last_extension_in_any_case)
{
    mime_init("/nonexistent");
    expect_text(type_of("A.HtMl"), "text/html; charset=utf-8");
    expect_text(type_of("a.tar.gz"), "application/gzip");
    mime_deinit();
}

TEST(mime, calls_the_rest_bytes)
{
    mime_init("/nonexistent");
    static const char *const names[] = {"",  "a",      "a.",          "dir.html/a",
                                        ".", "a.nope", "a.html.nope", "a.0123456789012345678"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        expect_text(type_of(names[i]), "application/octet-stream");
    }
    mime_deinit();
    expect_text(type_of("a.html"), "application/octet-stream");
}

TEST(mime, skips_malformed_lines)
{
    mime_init("/nonexistent");
    mime_add(BYTES("# a comment\n"
                   "text/x-good\tgood better # but not this\n"
                   "noslash bad1\n"
                   "/x bad2\nx/ bad3\na/b/c bad4\n"
                   "text/\x01x bad5\n"
                   "text/x;q=1 bad6\n"
                   "text/x-only-a-type\n"
                   "\n   \n"
                   "text/x-long 0123456789abcdefg ok\r\n"
                   "text/x-end last"));
    expect_text(type_of("a.good"), "text/x-good; charset=utf-8");
    expect_text(type_of("a.better"), "text/x-good; charset=utf-8");
    expect_text(type_of("a.ok"), "text/x-long; charset=utf-8");
    expect_text(type_of("a.last"), "text/x-end; charset=utf-8");
    static const char *const bad[] = {"a.bad1", "a.bad2", "a.bad3", "a.bad4",
                                      "a.bad5", "a.bad6", "a.but",  "a.0123456789abcdefg"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_text(type_of(bad[i]), "application/octet-stream");
    }
    mime_deinit();
}

TEST(mime, lets_the_later_of_two_lines_win)
{
    mime_init("/nonexistent");
    mime_add(BYTES("image/one html\nimage/two html\n"));
    expect_text(type_of("a.html"), "image/two");
    mime_deinit();
}

TEST(mime, reads_a_file)
{
    char path[] = "/tmp/quartet-mime-XXXXXX";
    int fd = mkstemp(path);
    expect(fd >= 0);
    expect_int(write(fd, "chemical/x-pdb pdb\n", 19), 19);
    close(fd);
    mime_init(path);
    expect_text(type_of("a.pdb"), "chemical/x-pdb");
    expect_text(type_of("a.html"), "text/html; charset=utf-8");
    mime_deinit();
    unlink(path);
}
