/* ways.h: which ways between thread groups a server's connections can take, as data for reports.
 *
 * A way leads from a group to the group whose queue it ends in; within a group there is a direct
 * call. They are found by walking from the listener and asking the router (route_goal) at each
 * stage, so that what is drawn cannot differ from what is done.
 */
#ifndef STAGES_ENGINE_WAYS_H
#define STAGES_ENGINE_WAYS_H

#include "core/report/report.h"
#include "stages/engine/engine.h"

enum { WAYS_MAX = 64 };

/* Each way once, in the order of a walk; returns how many there are. What stays in its group is
 * left out, but for "kept": it closes the round. Any thread, once the groups are laid out. */
unsigned ways_list(const struct engine *engine, struct way_report ways[WAYS_MAX]);

#endif
