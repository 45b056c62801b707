/* url.c: from text to address, Host and target. See url.h. */
#include "tools/load/url.h"

#include "core/base/bytes.h"
#include "core/http/line.h"
#include "core/options/address.h"

#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static bool parse_weight(const char **text, unsigned *weight);
static bool parse_unix(const char *text, struct url *url, char error[URL_ERROR_MAX]);
static bool parse_http(const char *text, struct url *url, char error[URL_ERROR_MAX]);
static bool split_authority(const char *authority, char host[URL_HOST_MAX], const char **port);
static bool look_up(const char *host, const char *port, struct url *url, char error[URL_ERROR_MAX]);
static bool set_target(const char *target, struct url *url, char error[URL_ERROR_MAX]);

bool url_parse(const char *text, struct url *url, char error[URL_ERROR_MAX])
{
    memset(url, 0, sizeof *url);
    if (!parse_weight(&text, &url->weight)) {
        snprintf(error, URL_ERROR_MAX, "WEIGHT,URL with a weight from 1 to %d", URL_WEIGHT_MAX);
        return false;
    }
    if (strstr(text, ",http://") != NULL || strstr(text, ",unix:") != NULL) {
        snprintf(error, URL_ERROR_MAX,
                 "one URL: several are several arguments, and a comma before http:// is %%2C");
        return false;
    }
    bool http = strncmp(text, "http://", 7) == 0;
    if (http) {
        text += 7;
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(text + 5, url, error);
    }
    if (!http) {
        snprintf(
            error, URL_ERROR_MAX,
            "http://HOST[:PORT]/TARGET or unix:PATH:/TARGET, with WEIGHT, before it if wanted");
        return false;
    }
    return parse_http(text, url, error);
}

bool url_same_server(const struct url *a, const struct url *b)
{
    return a->address_len == b->address_len &&
           memcmp(&a->address, &b->address, a->address_len) == 0;
}

/* "3,http://..." */
static bool parse_weight(const char **text, unsigned *weight)
{
    size_t digits = strspn(*text, "0123456789");
    *weight = 1;
    if (digits == 0 || (*text)[digits] != ',') {
        return true;
    }
    unsigned long value = digits <= 7 ? strtoul(*text, NULL, 10) : 0;
    *text += digits + 1;
    *weight = (unsigned)value;
    return value >= 1 && value <= URL_WEIGHT_MAX;
}

/* The path of the socket ends where ":/" begins a target. */
static bool parse_unix(const char *text, struct url *url, char error[URL_ERROR_MAX])
{
    char address[ADDRESS_TEXT];
    const char *colon = strstr(text, ":/");
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    snprintf(address, sizeof address, "unix:%.*s", (int)len, text);
    snprintf(url->host, sizeof url->host, "localhost");
    _Static_assert((int)URL_ERROR_MAX >= (int)ADDRESS_ERROR_MAX, "error has room");
    if (len + sizeof "unix:" > sizeof address ||
        !address_parse(address, &url->address, &url->address_len, error)) {
        snprintf(error, URL_ERROR_MAX, "unix:PATH:/TARGET with a path of 1 to 107 bytes");
        return false;
    }
    return set_target(colon != NULL ? colon + 1 : "/", url, error);
}

static bool parse_http(const char *text, struct url *url, char error[URL_ERROR_MAX])
{
    size_t len = strcspn(text, "/?#");
    if (len == 0 || len >= URL_HOST_MAX || memchr(text, '@', len) != NULL) {
        snprintf(error, URL_ERROR_MAX, "http://HOST[:PORT]/TARGET with a host of 1 to %d bytes",
                 URL_HOST_MAX - 1);
        return false;
    }
    snprintf(url->host, sizeof url->host, "%.*s", (int)len, text);
    char host[URL_HOST_MAX];
    const char *port;
    if (!split_authority(url->host, host, &port)) {
        snprintf(error, URL_ERROR_MAX, "HOST, HOST:PORT or [ADDRESS]:PORT");
        return false;
    }
    unsigned long long number;
    if (http_decimal(bytes_of(port), &number) && (number == 0 || number > UINT16_MAX)) {
        snprintf(error, URL_ERROR_MAX, "a port from 1 to %d", UINT16_MAX);
        return false;
    }
    return look_up(host, port, url, error) &&
           set_target(text[len] == '/' ? text + len : "/", url, error);
}

/* Takes the brackets off an IPv6 address. */
static bool split_authority(const char *authority, char host[URL_HOST_MAX], const char **port)
{
    bool brackets = authority[0] == '[';
    const char *end = strchr(authority, brackets ? ']' : ':');
    if (brackets && end == NULL) {
        return false;
    }
    size_t len = end != NULL ? (size_t)(end - authority) : strlen(authority);
    snprintf(host, URL_HOST_MAX, "%.*s", (int)(len - brackets), authority + brackets);
    const char *rest = authority + len + brackets;
    *port = rest[0] == ':' ? rest + 1 : "80";
    return host[0] != '\0' && (rest[0] == ':' || rest[0] == '\0') && (*port)[0] != '\0';
}

static bool look_up(const char *host, const char *port, struct url *url, char error[URL_ERROR_MAX])
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed != 0) {
        snprintf(error, URL_ERROR_MAX, "a host and port that can be found (%.64s)",
                 gai_strerror(failed));
        return false;
    }
    memcpy(&url->address, found->ai_addr, found->ai_addrlen);
    url->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* Bytes that would end the target or the request line are refused; a fragment is not sent. */
static bool set_target(const char *target, struct url *url, char error[URL_ERROR_MAX])
{
    size_t len = strcspn(target, "#");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)target[i] <= ' ' || (unsigned char)target[i] >= 0x7f) {
            snprintf(error, URL_ERROR_MAX, "a target of printable ASCII without spaces");
            return false;
        }
    }
    if (len >= URL_TARGET_MAX) {
        snprintf(error, URL_ERROR_MAX, "a target of at most %d bytes", URL_TARGET_MAX - 1);
        return false;
    }
    snprintf(url->target, sizeof url->target, "%.*s", (int)len, target);
    return true;
}
