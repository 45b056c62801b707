/* record.h: what became of a request, written into the results. One thread. */
#ifndef TOOLS_LOAD_RECORD_H
#define TOOLS_LOAD_RECORD_H

#include "tools/load/connection.h"
#include "tools/load/results.h"
#include "tools/load/window.h"

/* Once for each shot that has ended, well or badly. */
void record_outcome(struct results *results, const struct window *window, const struct shot *shot,
                    const struct outcome *outcome);

#endif
