/* pipeline.c: the least that a server can do which hands each request on twice: from the thread
 * that reads to the one that would run the handler, and from there to the one that writes. What it
 * costs above the one thread of floor.c is the price of hand-overs on this machine: the bound for
 * `staged`, as floor.c is for `loops`.
 *
 * A hand-over is a lock-protected list and a condition. The putter signals a taker that sleeps; a
 * taker takes all that waits; the reader puts once in a turn of its poll.
 *
 * There is no third hand-over, since the writer does not give the connection back. The reader adds
 * to `unanswered` instead: who makes that rise from 0 puts the client into the pipeline, and the
 * writer owns it until it has brought it down to 0 again. GONE says that the reader has seen the
 * client's end, or more heads than the writer can keep up with, and watches it no more. Then who
 * brings the count to 0, or finds it there, closes it.
 */
#include "tools/floor/pipeline.h"

#include "core/base/lock.h"
#include "tools/floor/client.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static const unsigned gone = 1U << 31;
/* Of one client: far from `gone`, whatever a last read adds. */
static const unsigned unanswered_most = 1U << 16;

struct floor_list {
    struct floor_client *first, **end;
};

struct floor_queue {
    struct lock lock;
    struct condition filled;
    struct floor_list list GUARDED;
    bool asleep GUARDED; /* its one taker */
};

static struct floor_queue to_handler, to_writer;

/* The thread that reads. `out` is what it puts at the end of its turn. */
struct floor_reader {
    int epoll;
    struct floor_list out;
};

static void list_clear(struct floor_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct floor_list *list, struct floor_client *client)
{
    client->next = NULL;
    *list->end = client;
    list->end = &client->next;
}

static void queue_init(struct floor_queue *queue) NO_ANALYSIS
{
    lock_init(&queue->lock, RANK_MAILBOX);
    condition_init(&queue->filled);
    list_clear(&queue->list);
    queue->asleep = false;
}

/* Leaves `list` empty. */
static void queue_put(struct floor_queue *queue, struct floor_list *list)
{
    if (list->first == NULL) {
        return;
    }
    lock_take(&queue->lock);
    *queue->list.end = list->first;
    queue->list.end = list->end;
    bool wake = queue->asleep;
    queue->asleep = false;
    lock_release(&queue->lock);
    if (wake) {
        condition_signal(&queue->filled);
    }
    list_clear(list);
}

/* All that waits, and at least one. */
static struct floor_client *queue_take(struct floor_queue *queue)
{
    lock_take(&queue->lock);
    while (queue->list.first == NULL) {
        queue->asleep = true;
        (void)condition_wait(&queue->filled, &queue->lock, 0);
    }
    struct floor_client *first = queue->list.first;
    list_clear(&queue->list);
    lock_release(&queue->lock);
    return first;
}

/* There is no handler to run. */
static void *handler_main(void *arg)
{
    struct floor_list out;
    list_clear(&out);
    for (;;) {
        struct floor_client *next, *client = queue_take(&to_handler);
        for (; client != NULL; client = next) {
            next = client->next;
            list_add(&out, client);
        }
        queue_put(&to_writer, &out);
    }
    return arg;
}

/* A client that cannot be answered is shut down, so that the reader sees its end. */
static void write_answers(struct floor_client *client)
{
    unsigned seen = atomic_load(&client->unanswered), heads;
    do {
        heads = seen & ~gone;
        if (!floor_answer(client, heads)) {
            (void)shutdown(client->fd, SHUT_RDWR);
        }
        seen = atomic_fetch_sub(&client->unanswered, heads) - heads;
    } while ((seen & ~gone) != 0);
    if (seen == gone) {
        floor_close(client);
    }
}

static void *writer_main(void *arg)
{
    for (;;) {
        struct floor_client *next, *client = queue_take(&to_writer);
        for (; client != NULL; client = next) {
            next = client->next; /* it may be freed, or put again */
            write_answers(client);
        }
    }
    return arg;
}

static void read_client(struct floor_client *client, void *arg)
{
    struct floor_reader *reader = arg;
    unsigned heads;
    bool open = floor_receive(client, &heads);
    unsigned before = atomic_fetch_add(&client->unanswered, heads);
    if (heads > 0 && before == 0) {
        list_add(&reader->out, client);
    }
    if (open && before < unanswered_most) {
        return;
    }
    CHECK(epoll_ctl(reader->epoll, EPOLL_CTL_DEL, client->fd, NULL) == 0);
    if (atomic_fetch_or(&client->unanswered, gone) == 0) {
        floor_close(client);
    }
}

_Noreturn void pipeline_run(int epoll, int listener)
{
    pthread_t handler, writer;
    struct floor_reader reader = {.epoll = epoll};
    queue_init(&to_handler);
    queue_init(&to_writer);
    list_clear(&reader.out);
    if (pthread_create(&handler, NULL, handler_main, NULL) != 0 ||
        pthread_create(&writer, NULL, writer_main, NULL) != 0) {
        die_at_once("threads of the pipeline cannot be started");
    }
    for (;;) {
        floor_turn(epoll, listener, read_client, &reader);
        queue_put(&to_handler, &reader.out);
    }
}
