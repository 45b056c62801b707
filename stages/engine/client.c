/* client.c: making and freeing connections. See client.h. */
#include "stages/engine/client.h"

#include <stdatomic.h>
#include <stdlib.h>

struct client *client_new(int fd, const struct peer *peer, uint64_t accepted_ns)
{
    static _Atomic uint64_t last_id;
    struct client *client = must_calloc(1, sizeof *client);
    client->conn.fd = fd;
    client->conn.peer = *peer;
    client->conn.id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    client->conn.accepted_ns = accepted_ns;
    client->conn.state = CONN_ACCEPTED;
    client->home.deadline.kind = DEADLINE_HOME;
    client->out.deadline.kind = DEADLINE_OUT;
    return client;
}

void client_free(struct client *client)
{
    free(client);
}
