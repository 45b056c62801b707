/* status_facts.h: what is known of a running server beside its report: its process, its start,
 * its configuration, the system's figures of its process. /server-status?auto and /metrics are
 * made from these and a report alone. */
#ifndef CORE_REPORT_STATUS_FACTS_H
#define CORE_REPORT_STATUS_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct status_facts {
    const char *model; /* empty where --wiring was given; not a copy, and neither is this: */
    const char *wiring;
    unsigned process, processes; /* this one's number, from 1; how many there are */
    int pid;
    uint64_t now_ns, uptime_ns;
    time_t now_s, started_s, built_s; /* built: 0 when unknown */
    bool draining, measured;
    uint64_t cpu_user_ns, cpu_system_ns; /* of the process */
    double load[3];                      /* of the machine, over 1, 5 and 15 minutes; or negative */
};

/* What the server itself knows is filled in already; this asks the system for the rest: pid, now,
 * built, CPU times, load. Any thread. */
void status_facts_ask(struct status_facts *facts);

#endif
