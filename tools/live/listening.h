/* listening.h: where a process listens, found in /proc.
 *
 * Linux only, as the server is. Only root can read about a process of another user.
 */
#ifndef TOOLS_LIVE_LISTENING_H
#define TOOLS_LIVE_LISTENING_H

#include <stdbool.h>

enum { LISTENING_URL = 160, LISTENING_ERROR = 160 };

/* The first address that the process accepts on: "http://127.0.0.1:8080", "http://[::1]:8080" or
 * "unix:/path"; one for every interface becomes the loopback one. False: `error` is one line. */
bool listening_of(int pid, char url[LISTENING_URL], char error[LISTENING_ERROR]);

#endif
