/* sockets.h: the listening sockets.
 *
 * Several listener threads, of one or several processes, each have sockets of their own on the same
 * ports (SO_REUSEPORT), so that the kernel spreads connections and no wakeup is for nothing; unix
 * sockets are shared. With the accept mutex all are shared. Opened by the starting thread, before
 * any process is forked; a listener closes its own when it stops accepting.
 *
 * The parent of several processes keeps all of them open: what the kernel has given to the socket
 * of a process that died waits there for its replacement.
 */
#ifndef STAGES_STAGE_SOCKETS_H
#define STAGES_STAGE_SOCKETS_H

#include "core/options/settings.h"

#include <stdbool.h>
#include <stdio.h>

/* Room for the one line with the reason why a server did not start. */
enum { SERVER_ERROR_MAX = 512 };

/* All listening descriptors: at[thread * addresses + address], -1 when closed. */
struct sockets {
    unsigned addresses, threads;
    int *at;
    char (*names)[128]; /* one for each address: "http://127.0.0.1:8080" */
    bool has_paths;     /* unix sockets' names are removed at the end */
};

/* Opens sockets for this many listener threads. False: `error` has the address and the reason in
 * one line. For port 0 the kernel's choice is filled in. */
bool sockets_open(struct sockets *sockets, const struct settings *settings, unsigned threads,
                  char error[SERVER_ERROR_MAX]);
/* In a forked child: keeps those of `threads` threads from `first` on, which are numbered from 0
 * then, and closes the others. The names of unix sockets stay the parent's. */
void sockets_keep(struct sockets *sockets, unsigned first, unsigned threads);
/* The lines that say that the server is ready. */
void sockets_print(const struct sockets *sockets, FILE *out);
/* Closes what is still open. Closing twice is harmless. */
void sockets_close(struct sockets *sockets);

#endif
