/* address.h: the addresses a server listens on, between text and struct sockaddr.
 *
 * Numeric only: names are not resolved, so that starting never waits for a name server ("localhost"
 * is 127.0.0.1). A client's address is struct peer in conn.h. Any thread.
 */
#ifndef CORE_OPTIONS_ADDRESS_H
#define CORE_OPTIONS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT = 128, ADDRESS_ERROR_MAX = 160 };

/* 127.0.0.1:8080, [::1]:8080, *:8080 (every IPv4 address), localhost:8080 or unix:/path. Port 0 is
 * allowed: the kernel chooses. False: `error` says what is accepted. */
bool address_parse(const char *text, struct sockaddr_storage *out, socklen_t *len,
                   char error[ADDRESS_ERROR_MAX]);

/* For people: http://127.0.0.1:8080, http://[::1]:8080 or unix:/path. */
void address_format(const struct sockaddr *address, char out[ADDRESS_TEXT]);

#endif
