/* address.c: listen addresses between text and struct sockaddr. See address.h. */
#include "core/options/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static bool parse_unix(const char *path, struct sockaddr_storage *out, socklen_t *len,
                       char error[ADDRESS_ERROR_MAX])
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t path_len = strlen(path);
    if (path_len == 0 || path_len >= sizeof(un.sun_path)) {
        snprintf(error, ADDRESS_ERROR_MAX, "unix:PATH with a path of 1 to %zu bytes",
                 sizeof(un.sun_path) - 1);
        return false;
    }
    memcpy(un.sun_path, path, path_len);
    memcpy(out, &un, sizeof(un));
    *len = (socklen_t)sizeof(un);
    return true;
}

static bool parse_port(const char *text, in_port_t *port)
{
    unsigned value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *port = htons((uint16_t)value);
    return value <= UINT16_MAX;
}

static bool parse_ipv4(const char *host, in_port_t port, struct sockaddr_storage *out,
                       socklen_t *len)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1) {
        return false;
    }
    memcpy(out, &in, sizeof(in));
    *len = (socklen_t)sizeof(in);
    return true;
}

static bool parse_ipv6(const char *host, in_port_t port, struct sockaddr_storage *out,
                       socklen_t *len)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1) {
        return false;
    }
    memcpy(out, &in6, sizeof(in6));
    *len = (socklen_t)sizeof(in6);
    return true;
}

static bool parse_host(const char *host, size_t host_len, in_port_t port,
                       struct sockaddr_storage *out, socklen_t *len)
{
    char text[INET6_ADDRSTRLEN + 2]; /* with the brackets */
    if (host_len >= sizeof(text)) {
        return false;
    }
    memcpy(text, host, host_len);
    text[host_len] = '\0';
    if (strcmp(text, "*") == 0) {
        return parse_ipv4("0.0.0.0", port, out, len);
    }
    if (strcmp(text, "localhost") == 0) {
        return parse_ipv4("127.0.0.1", port, out, len);
    }
    if (host_len > 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text[host_len - 1] = '\0';
        return parse_ipv6(text + 1, port, out, len);
    }
    return parse_ipv4(text, port, out, len);
}

bool address_parse(const char *text, struct sockaddr_storage *out, socklen_t *len,
                   char error[ADDRESS_ERROR_MAX])
{
    memset(out, 0, sizeof(*out));
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(text + 5, out, len, error);
    }
    const char *colon = strrchr(text, ':');
    in_port_t port;
    if (colon != NULL && !parse_port(colon + 1, &port)) {
        snprintf(error, ADDRESS_ERROR_MAX, "ADDR:PORT with a port from 0 to 65535");
        return false;
    }
    if (colon == NULL || !parse_host(text, (size_t)(colon - text), port, out, len)) {
        snprintf(error, ADDRESS_ERROR_MAX,
                 "127.0.0.1:8080, [::1]:8080, *:8080, localhost:8080 or unix:/path (no names)");
        return false;
    }
    return true;
}

void address_format(const struct sockaddr *address, char out[ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT, "http://%s:%u", host, ntohs(in->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(out, ADDRESS_TEXT, "http://[%s]:%u", host, ntohs(in6->sin6_port));
    } else if (address->sa_family == AF_UNIX) {
        const struct sockaddr_un *un = (const void *)address;
        snprintf(out, ADDRESS_TEXT, "unix:%.*s", (int)sizeof(un->sun_path), un->sun_path);
    } else {
        snprintf(out, ADDRESS_TEXT, "an address of family %u", address->sa_family);
    }
}
