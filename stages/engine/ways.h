/* ways.h: which ways between thread groups a server's connections can take, as data for reports.
 *
 * A way leads from a group to the group whose queue it ends in; within a group there is a direct
 * call. They are found by walking from the listener and asking the router (route_goal) at each
 * stage, so that what is drawn and foretold cannot differ from what is done.
 */
#ifndef STAGES_ENGINE_WAYS_H
#define STAGES_ENGINE_WAYS_H

#include "core/points/stamps.h"
#include "core/report/report.h"
#include "stages/engine/engine.h"

enum { WAYS_MAX = 64 };

/* What brings a connection to a way. */
enum way_when {
    WAY_FOR_REQUEST, /* each request, or the first of its connection */
    WAY_AFTERWARDS,  /* an answer that is sent */
    WAY_IN_PARTS,    /* a request that does not come whole, a body that the client holds back */
    WAY_FULL_SOCKET, /* an answer that the client does not take at once */
    WAY_WHEN_COUNT
};

struct way {
    const char *kind, *what; /* ways.def */
    enum way_when when;
    enum interval wait; /* in which a queue on this way lies, or WAY_NO_WAIT */
    unsigned from, to;  /* groups; the same one: a direct call */
};

enum { WAY_NO_WAIT = INTERVAL_COUNT };

/* All ways, calls too, each once, in the order of a walk; returns how many there are. Any thread,
 * once the groups are laid out. */
unsigned ways_walk(const struct engine *engine, struct way ways[WAYS_MAX]);

/* The same for reports: what stays in its group is left out, but for "kept": it closes the round. */
unsigned ways_list(const struct engine *engine, struct way_report ways[WAYS_MAX]);

#endif
