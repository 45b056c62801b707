/* test_url.c: what the command line calls a URL. */
#include "tools/load/url.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static struct url url;
static char error[URL_ERROR_MAX];

static bool parse(const char *text)
{
    error[0] = '\0';
    return url_parse(text, &url, error);
}

static unsigned port_of(const struct url *parsed)
{
    const struct sockaddr_in *in = (const void *)&parsed->address;
    return ntohs(in->sin_port);
}

TEST(url, has_host_port_and_target)
{
    expect_msg(parse("http://127.0.0.1:8080/a?b=c#d"), "%s", error);
    expect_int(url.weight, 1);
    expect_text(url.host, "127.0.0.1:8080");
    expect_text(url.target, "/a?b=c");
    expect_int(url.address.ss_family, AF_INET);
    expect_int(port_of(&url), 8080);
}

/* The resolver would take the low 16 bits of it. */
TEST(url, has_a_port_that_there_is)
{
    expect(!url_parse("http://127.0.0.1:65536/", &url, error));
    expect_text(error, "a port from 1 to 65535");
    expect(!url_parse("http://127.0.0.1:0/", &url, error));
    expect(url_parse("http://127.0.0.1:65535/", &url, error));
    expect_int(port_of(&url), 65535);
}

TEST(url, may_leave_out_port_and_target)
{
    expect(parse("http://127.0.0.1"));
    expect_text(url.target, "/");
    expect_int(port_of(&url), 80);
    expect(parse("http://[::1]:81/x"));
    expect_text(url.host, "[::1]:81");
    expect_int(url.address.ss_family, AF_INET6);
    expect_int(port_of(&url), 81);
}

TEST(url, may_have_a_weight)
{
    expect(parse("3,http://127.0.0.1:1/,2"));
    expect_int(url.weight, 3);
    expect_text(url.target, "/,2");
    expect(!parse("0,http://127.0.0.1/"));
    expect(!parse("1000001,http://127.0.0.1/"));
    expect(!parse("99999999999999999999,http://127.0.0.1/"));
    expect(strstr(error, "a weight from 1 to 1000000") != NULL);
}

TEST(url, may_be_a_unix_socket)
{
    const struct sockaddr_un *un = (const void *)&url.address;
    expect(parse("unix:/tmp/s.sock"));
    expect_text(un->sun_path, "/tmp/s.sock");
    expect_text(url.target, "/");
    expect(parse("2,http://unix:/tmp/s:/a/b"));
    expect_text(un->sun_path, "/tmp/s");
    expect_text(url.target, "/a/b");
    expect_text(url.host, "localhost");
    char long_path[200] = "unix:/";
    memset(long_path + 6, 'x', 150);
    expect(!parse(long_path));
    expect(!parse("unix:"));
}

TEST(url, that_makes_no_sense_is_refused)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "https://127.0.0.1/",
                                      "http://",
                                      "http:///x",
                                      "http://[::1/",
                                      "http://127.0.0.1:/",
                                      "http://127.0.0.1:x/",
                                      "http://user@127.0.0.1/",
                                      "http://127.0.0.1/a b",
                                      "http://127.0.0.1/\r\nX: y",
                                      "http://127.0.0.1/\xc3\xa4",
                                      "-1,http://127.0.0.1/",
                                      "http://127.0.0.1/a,http://127.0.0.1/b",
                                      "http://127.0.0.1/a,unix:/b",
                                      "unix:/a:/,http://127.0.0.1/b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_msg(!parse(bad[i]), "'%s' was accepted", bad[i]);
        expect(error[0] != '\0' && strlen(error) < URL_ERROR_MAX - 1);
    }
}

TEST(url, knows_its_server_again)
{
    static struct url a, b;
    expect(url_parse("http://127.0.0.1:1/a", &a, error));
    expect(url_parse("http://127.0.0.1:1/b", &b, error) && url_same_server(&a, &b));
    expect(url_parse("http://127.0.0.1:2/a", &b, error) && !url_same_server(&a, &b));
    expect(url_parse("unix:/a", &b, error) && !url_same_server(&a, &b));
}
