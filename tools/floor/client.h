/* client.h: a connection of quartet-floor, and what each of its threads does with one. */
#ifndef TOOLS_FLOOR_CLIENT_H
#define TOOLS_FLOOR_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { FLOOR_BUFFER = 4096 };

struct floor_client {
    int fd;
    size_t len;                  /* of what came behind the last blank line: the reading thread's */
    struct floor_client *next;   /* in a queue of the pipeline: its holder's */
    _Atomic unsigned unanswered; /* the pipeline's, pipeline.c */
    char buffer[FLOOR_BUFFER];
};

/* An epoll that watches a socket bound to `text`, its event without data; prints where it listens.
 * Ends the program with a line when that fails. */
int floor_listen(const char *text, int *listener);

typedef void floor_serve_fn(struct floor_client *client, void *arg);

/* Waits for events. Accepts all connections that wait and watches them, level-triggered; calls `serve`
 * for each client that has sent something. */
void floor_turn(int epoll, int listener, floor_serve_fn *serve, void *arg);

/* Reads once and counts the blank lines. False: the client has closed, or its head does not fit. */
bool floor_receive(struct floor_client *client, unsigned *heads);

/* One fixed answer for each. False: the socket is full or closed. */
bool floor_answer(const struct floor_client *client, unsigned heads);

/* Also frees it. */
void floor_close(struct floor_client *client);

#endif
