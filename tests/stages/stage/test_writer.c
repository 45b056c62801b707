/* test_writer.c: the writer's hold on the sending end of an answer, where other threads may take it
 * over at once.
 */
#include "stages/stage/writer.h"

#include "tests/stages/life.h"

#include <time.h>

/* The moment between letting a client go and whatever the writer does next lasts for 20 ms here
 * (the linker puts this in the place of outlet_collect): a thread that takes the client over in
 * between does so every time. */
enum collect __real_outlet_collect(struct outlet *outlet, struct brigade *sending);
enum collect __wrap_outlet_collect(struct outlet *outlet, struct brigade *sending);
enum collect __wrap_outlet_collect(struct outlet *outlet, struct brigade *sending)
{
    enum collect got = __real_outlet_collect(outlet, sending);
    if (got == COLLECT_EMPTY) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    }
    return got;
}

/* In these a session that would block leaves the client to a poll loop, and sends again itself when
 * the loop has sent what there was. */
static const char *const beside[] = {"leader-followers", "event-mpm", "L | rpw*8 | W",
                                     "L | rpw*8 | KW"};

static uint64_t counted(enum counter counter)
{
    struct report report;
    server_report(&life.server, &report);
    uint64_t count = report.tally.counters[counter];
    report_deinit(&report);
    return count;
}

/* The client reads nothing until the loop waits for its socket, then everything: the loop lets go
 * of it while the handler makes the next piece. */
static void send_from_two_threads(const char *wiring)
{
    enum { CHUNKS = 60, SIZE = 100000 };
    char head[4096], target[80];
    set_up(wiring);
    start();
    int fd = dial();
    snprintf(target, sizeof target, "/synthetic/stream?chunks=%d&size=%d&ms=5", CHUNKS, SIZE);
    ask(fd, target);
    while (counted(COUNTER_WOULD_BLOCK) == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    hear_head(fd, head, sizeof head);
    CHECK(hear_chunks(fd) == (size_t)CHUNKS * SIZE);
    close(fd);
    CHECK(end());
}

TEST(writer, lets_a_client_go_before_another_thread_may_take_it_over)
{
    for (unsigned i = 0; i < sizeof beside / sizeof *beside; i++) {
        in_child(send_from_two_threads, beside[i]);
    }
}
