/* trace.c: the rings, and the thread that empties them into the file. See trace.h, trace_format.h.
 *
 * In: records from the stage threads. Out: RECORDS blocks, written straight from the rings.
 *
 * A ring is two counters that only rise. The producer alone moves `head`, the flusher alone `tail`;
 * each publishes with release and reads the other's with acquire, so that a record is written
 * before it is seen and read before its place is used again. The producer remembers the tail it
 * last saw and reads it again only when the ring seems full, so that the two threads' cache lines
 * meet once a round of the ring and not once a record.
 *
 * Blocks are written with pwritev at an offset that advances only over whole blocks: a failed or
 * short write is written over by the next, or cut off at the end.
 */
#include "core/trace/trace.h"

#include "core/base/check.h"
#include "core/base/log.h"
#include "core/report/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* How long the flusher sleeps. A ring must hold what its thread can put meanwhile: 65,536 records
 * in 20 ms are 3.2 million a second. Shorter costs wakeups, longer needs larger rings. */
enum { FLUSH_MS = 20, CACHE_LINE = 64 };

/* How often the queues and threads are sampled: more rarely where there are many threads, since
 * each sample reads a few cache lines of each. */
enum { SAMPLE_MS = 20, SAMPLE_THREADS = 512 };

/* At least so long between two moments; so many times what making one takes, and such a part of the
 * time since the start. */
enum { MOMENT_MS = 250, MOMENT_COST = 100, MOMENT_AGE = 16 };

struct trace_ring {
    /* fixed after start */
    struct trace_record *records;
    uint64_t size; /* a power of two */
    unsigned thread;

    /* The producer's line. `head` is stored with release, see the file's top; `lost` relaxed: a
     * count. */
    _Alignas(CACHE_LINE) _Atomic uint64_t head;
    _Atomic uint64_t lost;
    struct {
        uint64_t tail_seen;
    } mine;

    /* The flusher's line. */
    _Alignas(CACHE_LINE) _Atomic uint64_t tail;
};

struct trace {
    /* fixed after start */
    int fd;
    int stop_fd; /* an eventfd: readable when the flusher shall end */
    pthread_t flusher;
    unsigned ring_count;
    struct trace_ring *rings;
    trace_sample_fn *sample; /* or NULL */
    trace_report_fn *report; /* or NULL */
    uint64_t started_ns;
    void *sample_arg;
    unsigned queue_count;
    uint64_t sample_step_ns;

    _Atomic bool samples; /* the sample function may be called: release after what it reads */

    _Atomic uint64_t unwritten; /* records lost to write errors; relaxed: a count */

    /* the flusher's while it runs, else the thread that starts and stops it */
    struct {
        off_t offset; /* where the next block goes */
        uint64_t written;
        bool failed; /* said so */
        uint64_t sample_due_ns, moment_due_ns;
        unsigned short random[3];
        bool promptness_denied;
        struct trace_sample *sample_room; /* with its queues and threads behind it; or NULL */
    } mine;
};

/* A block of JSON text that is built in memory. */
struct text_block {
    char *text;
    size_t len;
    FILE *out;
};

static unsigned usual_ring(unsigned threads)
{
    unsigned records = TRACE_RING_RECORDS;
    while (records > TRACE_RING_LEAST && (uint64_t)records * threads > TRACE_RECORDS_MOST) {
        records /= 2;
    }
    return records;
}

/* The pages of a ring are made by the kernel when its thread first gets there. */
static void ring_init(struct trace_ring *ring, unsigned thread, unsigned size)
{
    *ring = (struct trace_ring){.size = size, .thread = thread};
    ring->records = mmap(NULL, size * sizeof *ring->records, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(ring->records != MAP_FAILED);
}

static size_t sample_size(const struct trace *trace)
{
    return sizeof(struct trace_sample) + trace->queue_count * sizeof(struct trace_sample_queue) +
           trace->ring_count * sizeof(uint64_t);
}

static struct trace *trace_new(int fd, const struct trace_plan *plan)
{
    unsigned threads = plan->thread_count;
    unsigned records = plan->ring_records != 0 ? plan->ring_records : usual_ring(threads);
    CHECK((records & (records - 1)) == 0);
    struct trace *trace = must_calloc(1, sizeof *trace);
    trace->fd = fd;
    trace->stop_fd = eventfd(0, EFD_CLOEXEC);
    CHECK(trace->stop_fd >= 0);
    trace->ring_count = threads;
    /* aligned_alloc and not calloc, which knows nothing of cache lines. */
    size_t size = threads * sizeof *trace->rings;
    trace->rings = aligned_alloc(CACHE_LINE, size > 0 ? size : CACHE_LINE);
    CHECK(trace->rings != NULL);
    for (unsigned i = 0; i < threads; i++) {
        ring_init(&trace->rings[i], i, records);
    }
    trace->sample = plan->sample;
    trace->report = plan->report;
    trace->started_ns = clock_ns();
    trace->sample_arg = plan->arg;
    trace->queue_count = plan->queue_count;
    trace->sample_step_ns = SAMPLE_MS * NS_PER_MS * (1 + threads / SAMPLE_THREADS);
    trace->mine.sample_room = must_calloc(1, sample_size(trace));
    return trace;
}

/* All bytes, or false with errno; the offset moves only in the first case. */
static bool write_parts(struct trace *trace, struct iovec *parts, int count)
{
    off_t offset = trace->mine.offset;
    while (count > 0) {
        ssize_t n = pwritev(trace->fd, parts, count, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        offset += n;
        for (; count > 0 && (size_t)n >= parts->iov_len; parts++, count--) {
            n -= (ssize_t)parts->iov_len;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + n;
            parts->iov_len -= (size_t)n;
        }
    }
    trace->mine.offset = offset;
    return true;
}

static bool write_head(struct trace *trace)
{
    struct trace_head head = {
        .version = TRACE_VERSION,
        .head_size = sizeof(struct trace_head),
        .block_size = sizeof(struct trace_block),
        .record_size = sizeof(struct trace_record),
        .started_ns = clock_ns(),
        .wall_s = (uint64_t)clock_wall_s(),
    };
    memcpy(head.magic, TRACE_MAGIC, sizeof head.magic);
    head.check = trace_head_check(&head);
    struct iovec part = {&head, sizeof head};
    return write_parts(trace, &part, 1);
}

static void text_open(struct text_block *block)
{
    block->out = open_memstream(&block->text, &block->len);
    CHECK(block->out != NULL);
    /* This thread alone writes to it, and a report has 100,000 characters. */
    (void)__fsetlocking(block->out, FSETLOCKING_BYCALLER);
}

/* On a full disk a small block may still fit between two large ones that do not: each would be a
 * complaint of its own. */
static bool write_block(struct trace *trace, struct trace_block block, const void *payload)
{
    static struct log_rate complaints;
    block.marker = TRACE_MARKER;
    block.check = trace_block_check(&block, payload);
    struct iovec parts[2] = {{&block, sizeof block}, {(void *)payload, block.length}};
    if (write_parts(trace, parts, 2)) {
        trace->mine.failed = false;
        return true;
    }
    if (!trace->mine.failed) {
        log_rated(&complaints, NS_PER_S, LOG_ERROR,
                  "trace: cannot write: %s; records are lost until it works again",
                  strerror(errno));
        trace->mine.failed = true;
    }
    return false;
}

static bool text_write(struct trace *trace, struct text_block *block, enum trace_block_kind kind)
{
    CHECK(fclose(block->out) == 0);
    CHECK(block->len <= TRACE_PAYLOAD_MAX);
    struct trace_block head = {.kind = kind, .length = (uint32_t)block->len};
    bool written = write_block(trace, head, block->text);
    free(block->text);
    return written;
}

static bool write_config(struct trace *trace, const char *config_json)
{
    struct text_block block;
    struct json json;
    text_open(&block);
    fprintf(block.out, "{\"config\": %s", config_json != NULL ? config_json : "{}");
    fprintf(block.out, ",\n\"environment\": ");
    json_begin(&json, block.out);
    environment_to_json(&json, NULL);
    fprintf(block.out, ",\n\"build\": ");
    json_begin(&json, block.out);
    build_to_json(&json, NULL);
    fprintf(block.out, "}\n");
    return text_write(trace, &block, TRACE_BLOCK_CONFIG);
}

static void put_names(struct json *json, const char *key, unsigned count, const char *const *names)
{
    json_begin_array(json, key);
    for (unsigned i = 0; i < count; i++) {
        json_text(json, NULL, names[i]);
    }
    json_end(json);
}

/* Those that come from the .def lists of this build. */
static void put_fixed_names(struct json *json)
{
    json_begin_array(json, "intervals");
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        json_text(json, NULL, interval_name(i));
    }
    json_end(json);
    json_begin_array(json, "close_reasons");
    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        json_text(json, NULL, close_reason_name(i));
    }
    json_end(json);
    json_begin_array(json, "counters");
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        json_text(json, NULL, counter_name(i));
    }
    json_end(json);
}

static bool write_names(struct trace *trace, const struct trace_plan *plan)
{
    struct text_block block;
    struct json json;
    text_open(&block);
    json_begin(&json, block.out);
    json_begin_object(&json, NULL);
    put_names(&json, "threads", plan->thread_count, plan->thread_names);
    put_names(&json, "queues", plan->queue_count, plan->queue_names);
    put_fixed_names(&json);
    json_end(&json);
    return text_write(trace, &block, TRACE_BLOCK_NAMES);
}

/* Until the rings are emptied again, or the next sample is due. */
static uint64_t next_round_ns(const struct trace *trace)
{
    uint64_t most_ns = FLUSH_MS * NS_PER_MS, now_ns = clock_ns();
    uint64_t due_ns = trace->mine.sample_due_ns > now_ns ? trace->mine.sample_due_ns - now_ns : 0;
    bool samples = atomic_load_explicit(&trace->samples, memory_order_relaxed);
    return samples && due_ns < most_ns ? due_ns : most_ns;
}

/* While it waits for the moment of a sample the flusher has a real-time priority, where that is
 * allowed (root, CAP_SYS_NICE, RLIMIT_RTPRIO): else it gets a CPU when some stage has just handed
 * over and gone to sleep, and would see requests between stages more often than they are. */
static void be_prompt(struct trace *trace, bool prompt)
{
    struct sched_param param = {.sched_priority = prompt ? 1 : 0};
    if (trace->mine.promptness_denied || trace->sample == NULL) {
        return;
    }
    int policy = prompt ? SCHED_FIFO : SCHED_OTHER;
    trace->mine.promptness_denied = pthread_setschedparam(pthread_self(), policy, &param) != 0;
}

/* Between nothing and twice the step: samples at even intervals would go in step with handlers that
 * sleep for as long, and see them always in the same moment. */
static uint64_t random_step_ns(struct trace *trace)
{
    return (uint64_t)(2 * erand48(trace->mine.random) * (double)trace->sample_step_ns);
}

/* A sample that cannot be written is no record: the complaint about the write has been made. */
static void take_sample(struct trace *trace)
{
    uint64_t now_ns = clock_ns();
    if (now_ns < trace->mine.sample_due_ns ||
        !atomic_load_explicit(&trace->samples, memory_order_acquire)) {
        return;
    }
    trace->mine.sample_due_ns = now_ns + random_step_ns(trace);
    struct trace_sample *sample = trace->mine.sample_room;
    struct trace_sample_queue *queues = (struct trace_sample_queue *)(void *)(sample + 1);
    uint64_t *busy_ns = (uint64_t *)(void *)(queues + trace->queue_count);
    memset(sample, 0, sample_size(trace));
    sample->queue_count = trace->queue_count;
    sample->thread_count = trace->ring_count;
    trace->sample(trace->sample_arg, sample, queues, busy_ns);
    struct trace_block block = {.kind = TRACE_BLOCK_SAMPLE, .length = (uint32_t)sample_size(trace)};
    (void)write_block(trace, block, sample);
}

/* Of this thread: it may wait for a CPU while it makes a report. */
static uint64_t cpu_time_ns(void)
{
    struct timespec used;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

/* When the next moment is due. A report takes about a millisecond to make, that of many threads much
 * longer, and 100 KB: so that making them costs at most a hundredth of a CPU, and that a trace of
 * hours has a few hundred, they are further apart the longer the run. */
static uint64_t next_moment_ns(const struct trace *trace, uint64_t began_ns, uint64_t cost_ns)
{
    uint64_t step_ns = MOMENT_MS * NS_PER_MS;
    uint64_t age_ns = (began_ns - trace->started_ns) / MOMENT_AGE;
    step_ns = age_ns > step_ns ? age_ns : step_ns;
    return began_ns + (MOMENT_COST * cost_ns > step_ns ? MOMENT_COST * cost_ns : step_ns);
}

/* So that a reader can leave out the begin of a run. A moment that cannot be written is no record,
 * as a sample. */
static void take_moment(struct trace *trace)
{
    struct text_block block;
    struct report report;
    uint64_t began_ns = clock_ns();
    if (trace->report == NULL || began_ns < trace->mine.moment_due_ns ||
        !atomic_load_explicit(&trace->samples, memory_order_acquire)) {
        return;
    }
    uint64_t used_ns = cpu_time_ns();
    if (trace->report(trace->sample_arg, &report)) {
        text_open(&block);
        report_to_json(block.out, &report);
        (void)text_write(trace, &block, TRACE_BLOCK_MOMENT);
    }
    report_deinit(&report);
    trace->mine.moment_due_ns = next_moment_ns(trace, began_ns, cpu_time_ns() - used_ns);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What is in the ring now, in blocks that end at the ring's end or at the limit of a block. */
static bool flush_ring(struct trace *trace, struct trace_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    bool hurry = head - tail > ring->size / 4;
    while (tail != head) {
        uint64_t at = tail & (ring->size - 1);
        uint64_t n = min_u64(min_u64(head - tail, ring->size - at), TRACE_RECORDS_MAX);
        struct trace_block block = {
            .kind = TRACE_BLOCK_RECORDS,
            .length = (uint32_t)(n * sizeof *ring->records),
            .thread = ring->thread,
            .lost = atomic_load_explicit(&ring->lost, memory_order_relaxed),
        };
        if (write_block(trace, block, &ring->records[at])) {
            trace->mine.written += n;
        } else {
            atomic_fetch_add_explicit(&trace->unwritten, n, memory_order_relaxed);
        }
        tail += n;
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
    }
    return hurry;
}

/* True when a ring was so full that the next round should come at once. */
static bool flush_rings(struct trace *trace)
{
    bool hurry = false;
    for (unsigned i = 0; i < trace->ring_count; i++) {
        hurry = flush_ring(trace, &trace->rings[i]) || hurry;
    }
    return hurry;
}

static void *flusher_main(void *arg)
{
    struct trace *trace = arg;
    struct pollfd stop = {.fd = trace->stop_fd, .events = POLLIN};
    bool hurry = false;
    for (;;) {
        uint64_t wait_ns = hurry ? 0 : next_round_ns(trace);
        struct timespec wait = {.tv_sec = 0, .tv_nsec = (long)wait_ns};
        be_prompt(trace, true);
        if (ppoll(&stop, 1, &wait, NULL) > 0) { /* EINTR, which is -1, only flushes early */
            break;
        }
        take_sample(trace);
        be_prompt(trace, false);
        take_moment(trace);
        hurry = flush_rings(trace);
    }
    be_prompt(trace, false);
    return NULL;
}

/* All signals are blocked in the flusher: they belong to the server's own threads. */
static bool start_flusher(struct trace *trace)
{
    sigset_t all, before;
    CHECK(sigfillset(&all) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int error = pthread_create(&trace->flusher, NULL, flusher_main, trace);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (error != 0) {
        errno = error;
        return false;
    }
    (void)pthread_setname_np(trace->flusher, "q-trace"); /* a name is a convenience */
    return true;
}

static void trace_free(struct trace *trace)
{
    for (unsigned i = 0; i < trace->ring_count; i++) {
        struct trace_ring *ring = &trace->rings[i];
        CHECK(munmap(ring->records, ring->size * sizeof *ring->records) == 0);
    }
    free(trace->rings);
    free(trace->mine.sample_room);
    (void)close(trace->stop_fd); /* nothing can be lost */
    if (close(trace->fd) != 0) {
        log_line(LOG_ERROR, "trace: closing the file: %s", strerror(errno));
    }
    free(trace);
}

struct trace *trace_start(const struct trace_plan *plan)
{
    /* O_NONBLOCK: a pipe that no process reads is an error, and not a wait in which signals are
     * ignored. */
    int fd = open(plan->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
    if (fd < 0) {
        return NULL;
    }
    struct trace *trace = trace_new(fd, plan);
    if (write_head(trace) && write_config(trace, plan->config_json) && write_names(trace, plan) &&
        start_flusher(trace)) {
        return trace;
    }
    int error = errno;
    trace_free(trace);
    errno = error;
    return NULL;
}

void trace_begin_samples(struct trace *trace)
{
    if (trace != NULL && trace->sample != NULL) {
        atomic_store_explicit(&trace->samples, true, memory_order_release);
    }
}

struct trace_ring *trace_ring(struct trace *trace, unsigned thread)
{
    CHECK(thread < trace->ring_count);
    return &trace->rings[thread];
}

bool trace_put(struct trace_ring *ring, const struct trace_record *record)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->mine.tail_seen == ring->size) {
        ring->mine.tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->mine.tail_seen == ring->size) {
            uint64_t lost = atomic_load_explicit(&ring->lost, memory_order_relaxed);
            atomic_store_explicit(&ring->lost, lost + 1, memory_order_relaxed);
            return false;
        }
    }
    ring->records[head & (ring->size - 1)] = *record;
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

static void write_report(struct trace *trace, const struct report *report)
{
    struct text_block block;
    text_open(&block);
    fprintf(block.out, "{\"written\": %llu, \"lost\": %llu, \"report\": ",
            (unsigned long long)trace->mine.written, (unsigned long long)trace_lost(trace));
    report_to_json(block.out, report);
    fprintf(block.out, "}\n");
    (void)text_write(trace, &block, TRACE_BLOCK_REPORT); /* a failure has been logged */
}

void trace_stop(struct trace *trace, const struct report *report)
{
    if (trace == NULL) {
        return;
    }
    CHECK(eventfd_write(trace->stop_fd, 1) == 0);
    CHECK(pthread_join(trace->flusher, NULL) == 0);
    /* What came after the flusher's last round; nothing can come behind it. */
    (void)flush_rings(trace);
    trace->mine.sample_due_ns = 0;
    take_sample(trace);
    write_report(trace, report);
    if (ftruncate(trace->fd, trace->mine.offset) != 0 && errno != EINVAL) {
        /* EINVAL: not a regular file, nothing to cut. */
        log_line(LOG_ERROR, "trace: cannot cut the file to its whole blocks: %s", strerror(errno));
    }
    trace_free(trace);
}

uint64_t trace_lost(const struct trace *trace)
{
    uint64_t lost = atomic_load_explicit(&trace->unwritten, memory_order_relaxed);
    for (unsigned i = 0; i < trace->ring_count; i++) {
        lost += atomic_load_explicit(&trace->rings[i].lost, memory_order_relaxed);
    }
    return lost;
}
