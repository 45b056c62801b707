/* process_share.c: the shared entries, and the line that compares them. See process_share.h. */
#include "stages/engine/process_share.h"

#include "core/base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

struct process_share *process_shares_new(unsigned count)
{
    void *shares = mmap(NULL, count * sizeof(struct process_share), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shares == MAP_FAILED) {
        die(EXIT_WORLD, "cannot share memory between processes: %s", strerror(errno));
    }
    return shares;
}

void process_shares_free(struct process_share *shares, unsigned count)
{
    CHECK(munmap(shares, count * sizeof *shares) == 0);
}

void process_share_clear(struct process_share *share)
{
    atomic_store(&share->pid, 0);
    atomic_store(&share->ready, false);
    atomic_store(&share->open, 0);
}

/* 10231 as "10,231". */
static void print_grouped(FILE *out, uint64_t n)
{
    if (n >= 1000) {
        print_grouped(out, n / 1000);
        fprintf(out, ",%03u", (unsigned)(n % 1000));
    } else {
        fprintf(out, "%u", (unsigned)n);
    }
}

void process_share_print(FILE *out, const struct process_share *shares, unsigned count,
                         unsigned number)
{
    const struct process_share *own = &shares[number - 1];
    uint64_t accepted = atomic_load(&own->accepted), all = 0;
    for (unsigned i = 0; i < count; i++) {
        all += &shares[i] == own ? accepted : atomic_load(&shares[i].accepted);
    }
    fprintf(out, "process %u of %u, pid %d: %.1f %% of ", number, count, atomic_load(&own->pid),
            all > 0 ? 100.0 * (double)accepted / (double)all : 0.0);
    print_grouped(out, all);
    fputs(" connections accepted, ", out);
    print_grouped(out, atomic_load(&own->open));
    fputs(" open now\n", out);
}
