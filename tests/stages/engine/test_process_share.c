/* test_process_share.c: the entries that processes share, and the line made from them. */
#include "stages/engine/process_share.h"

#include "tests/test.h"

#include <sys/wait.h>
#include <unistd.h>

static const char *line_of(const struct process_share *shares, unsigned count, unsigned number)
{
    static char text[200];
    FILE *out = fmemopen(text, sizeof text, "w");
    expect(out != NULL);
    process_share_print(out, shares, count, number);
    expect_int(fclose(out), 0);
    return text;
}

TEST(process_share, says_which_part_of_all_connections_was_its_own)
{
    struct process_share *shares = process_shares_new(2);
    atomic_store(&shares[0].accepted, 1000000);
    atomic_store(&shares[1].accepted, 3000042);
    atomic_store(&shares[1].pid, 4711);
    atomic_store(&shares[1].open, 1016);
    expect_text(line_of(shares, 2, 2), "process 2 of 2, pid 4711: 75.0 % of 4,000,042 connections "
                                       "accepted, 1,016 open now\n");
    process_shares_free(shares, 2);
}

TEST(process_share, divides_nothing_by_nothing)
{
    struct process_share *shares = process_shares_new(1);
    atomic_store(&shares[0].pid, 1);
    expect_text(line_of(shares, 1, 1),
                "process 1 of 1, pid 1: 0.0 % of 0 connections accepted, 0 open now\n");
    process_shares_free(shares, 1);
}

TEST(process_share, is_seen_by_the_others)
{
    struct process_share *shares = process_shares_new(2);
    int status;
    pid_t child = fork();
    if (child == 0) {
        atomic_fetch_add(&shares[1].accepted, 7);
        _exit(0);
    }
    expect(child > 0);
    expect_int(waitpid(child, &status, 0), child);
    expect_int(shares[1].accepted, 7);
    process_shares_free(shares, 2);
}

TEST(process_share, keeps_what_was_accepted_when_a_process_ends)
{
    struct process_share *shares = process_shares_new(1);
    atomic_store(&shares[0].pid, 4711);
    atomic_store(&shares[0].ready, true);
    atomic_store(&shares[0].accepted, 5);
    atomic_store(&shares[0].open, 3);
    process_share_clear(&shares[0]);
    expect_int(shares[0].pid, 0);
    expect(!shares[0].ready);
    expect_int(shares[0].accepted, 5);
    expect_int(shares[0].open, 0);
    process_shares_free(shares, 1);
}
