/* sockets.h: the listening sockets.
 *
 * Several listener threads each have sockets of their own on the same ports (SO_REUSEPORT), so that
 * the kernel spreads connections and no wakeup is for nothing; unix sockets are shared. Opened and
 * closed by the starting thread; a listener closes its own earlier, when it stops accepting.
 */
#ifndef STAGES_SOCKETS_H
#define STAGES_SOCKETS_H

#include "core/settings.h"

#include <stdbool.h>

/* Room for the one line that says why a server did not start. */
enum { SERVER_ERROR_MAX = 512 };

/* All listening descriptors: at[thread * addresses + address], -1 when closed. */
struct sockets {
    unsigned addresses, threads;
    int *at;
    char (*names)[128]; /* one for each address: "http://127.0.0.1:8080" */
};

/* False: `error` says in one line which address and why. Port 0 is resolved here. */
bool sockets_open(struct sockets *sockets, const struct settings *settings, unsigned threads,
                  char error[SERVER_ERROR_MAX]);
void sockets_close(struct sockets *sockets);

#endif
