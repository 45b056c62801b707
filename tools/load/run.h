/* run.h: a run from its plan to its reports: files, signals, the progress line, and the drive. */
#ifndef TOOLS_LOAD_RUN_H
#define TOOLS_LOAD_RUN_H

#include "tools/load/plan.h"

enum { EXIT_INVALID = 3 };

/* The exit status of the program. Ends it with a line where a file cannot be written or no
 * connection be made. */
int run_load(const struct plan *plan);

#endif
