/* test_address.c: listen addresses, read and printed. */
#include "core/options/address.h"

#include "tests/test.h"

#include <sys/un.h>

/* Reads and prints again; the error where there is one. */
static const char *round_trip(const char *text)
{
    static char out[ADDRESS_TEXT], error[ADDRESS_ERROR_MAX];
    struct sockaddr_storage address;
    socklen_t len;
    if (!address_parse(text, &address, &len, error)) {
        return error;
    }
    expect(len > 0 && len <= sizeof(address));
    address_format((const struct sockaddr *)&address, out);
    return out;
}

static bool refused(const char *text)
{
    struct sockaddr_storage address;
    socklen_t len;
    char error[ADDRESS_ERROR_MAX] = "";
    return !address_parse(text, &address, &len, error) && error[0] != '\0';
}

TEST(address, reads_every_form)
{
    expect_text(round_trip("127.0.0.1:8080"), "http://127.0.0.1:8080");
    expect_text(round_trip("[::1]:65535"), "http://[::1]:65535");
    expect_text(round_trip("[2001:DB8:0::1]:80"), "http://[2001:db8::1]:80");
    expect_text(round_trip("*:0"), "http://0.0.0.0:0");
    expect_text(round_trip("localhost:80"), "http://127.0.0.1:80");
    expect_text(round_trip("unix:/run/q.sock"), "unix:/run/q.sock");
}

TEST(address, refuses_what_is_no_address)
{
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 80",
        "127.0.0.1:80 ",
        "127.0.0.1:080000",
        "127.1:80",
        "256.0.0.1:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        "[::1]x:80",
        "example.org:80",
        "unix:",
        "**:80",
        "[::ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:1]:80",
        "http://127.0.0.1:80",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_msg(refused(bad[i]), "\"%s\" was accepted", bad[i]);
    }
}

TEST(address, says_which_ports_there_are)
{
    expect(strstr(round_trip("127.0.0.1:70000"), "0 to 65535") != NULL);
}

TEST(address, bounds_the_path_of_a_unix_socket)
{
    struct sockaddr_un un;
    char text[5 + sizeof(un.sun_path) + 1] = "unix:";
    memset(text + 5, 'p', sizeof(un.sun_path));
    expect(refused(text)); /* one too long */
    text[5 + sizeof(un.sun_path) - 1] = '\0';
    expect_text(round_trip(text), text);
}
