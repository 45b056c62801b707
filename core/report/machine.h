/* machine.h: how busy the CPUs are that the process may use, and with whom.
 *
 * A thread that waits for a CPU does not say why there is none: the server itself may use them all,
 * or other programs of the same machine do, such as a load generator. Any thread. */
#ifndef CORE_REPORT_MACHINE_H
#define CORE_REPORT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine_report {
    unsigned cpus;      /* that the process may use; 0: not known */
    uint64_t busy_ns;   /* of these CPUs, with all programs (/proc/stat, whose clock ticks every 10
                           ms); time that a hypervisor took from them is in it, too */
    uint64_t server_ns; /* CPU time of the process */
};

/* Both times count from some moment: use machine_since. False, and all zero: the kernel does not
 * report them. */
bool machine_read(struct machine_report *machine);

/* Makes `now` what has happened since `before`. */
void machine_since(struct machine_report *now, const struct machine_report *before);

#endif
