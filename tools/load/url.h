/* url.h: what the command line calls a URL: "[WEIGHT,]URL" with http://HOST[:PORT][/TARGET],
 * unix:PATH[:/TARGET] or http://unix:PATH[:/TARGET] (as nginx writes it). Names are resolved here,
 * once. Before the run. */
#ifndef TOOLS_LOAD_URL_H
#define TOOLS_LOAD_URL_H

#include <stdbool.h>
#include <sys/socket.h>

enum { URL_HOST_MAX = 280, URL_TARGET_MAX = 8192, URL_WEIGHT_MAX = 1000000, URL_ERROR_MAX = 200 };

struct url {
    unsigned weight;
    char host[URL_HOST_MAX];     /* for the Host field */
    char target[URL_TARGET_MAX]; /* begins with '/', or is "*" */
    struct sockaddr_storage address;
    socklen_t address_len;
};

/* False: `error` says what is accepted. */
bool url_parse(const char *text, struct url *url, char error[URL_ERROR_MAX]);

/* Do both name one server? */
bool url_same_server(const struct url *a, const struct url *b);

#endif
