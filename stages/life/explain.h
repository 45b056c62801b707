/* explain.h: what a configuration means, as text: --check. How many threads there are and why, which
 * queues a request passes, which waits are zero, where requests wait unseen, and the limits.
 *
 * It is derived from what the server runs by: the wiring as it is laid out, and the router, which is
 * asked at each stage (ways.h). So what is foretold cannot differ from what is done.
 *
 * Thread-safety: the starting thread, before there are others.
 */
#ifndef STAGES_LIFE_EXPLAIN_H
#define STAGES_LIFE_EXPLAIN_H

#include "core/options/settings.h"
#include "stages/model/wiring.h"

#include <stdio.h>

/* `wiring` has its thread counts (model_choose). */
void explain_print(FILE *out, const struct settings *settings, const struct wiring *wiring);

#endif
