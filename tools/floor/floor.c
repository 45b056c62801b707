/* floor.c: quartet-floor, the least that a server of this kind can do: a lower bound for the cost
 * of a request, to compare with. One epoll, level-triggered. It answers each blank line with the
 * same 200 and 13 bytes, in one thread or, with --pipeline, in three (pipeline.c).
 *
 * It leaves out what a server is for: it does not parse a request (so no method, target, field or
 * body, no pipelining limit, no Connection: close), has no timeout, no statistics and no log, and
 * never waits to send: a connection whose socket is full, or whose head does not fit its buffer, is
 * closed. Without a free descriptor it ends.
 */
#include "core/base/check.h"
#include "tools/floor/client.h"
#include "tools/floor/pipeline.h"

#include <string.h>

static void serve_client(struct floor_client *client, void *arg)
{
    unsigned heads;
    (void)arg;
    if (!floor_receive(client, &heads) || !floor_answer(client, heads)) {
        floor_close(client);
    }
}

int main(int argc, char **argv)
{
    const char *listen_on = "127.0.0.1:8080";
    bool pipeline = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--pipeline") == 0) {
            pipeline = true;
        } else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc) {
            listen_on = argv[++i];
        } else {
            die(EXIT_USAGE, "usage: quartet-floor [--listen ADDR:PORT] [--pipeline]");
        }
    }
    int listener, epoll = floor_listen(listen_on, &listener);
    if (pipeline) {
        pipeline_run(epoll, listener);
    }
    for (;;) {
        floor_turn(epoll, listener, serve_client, NULL);
    }
}
