/* validity.h: may the numbers of this run be believed? What a reviewer would ask, answered with the
 * figures. Thresholds and reasons stand in validity.c, one function each.
 */
#ifndef TOOLS_LOAD_VALIDITY_H
#define TOOLS_LOAD_VALIDITY_H

#include "tools/load/plan.h"
#include "tools/load/results.h"

#include <stdbool.h>

enum { VALIDITY_MAX = 8, VALIDITY_TEXT_MAX = 200 };

struct validity {
    unsigned reason_count; /* 0: valid */
    char reasons[VALIDITY_MAX][VALIDITY_TEXT_MAX];
    unsigned note_count; /* true of a valid run, and to be known */
    char notes[VALIDITY_MAX][VALIDITY_TEXT_MAX];
};

void validity_judge(struct validity *validity, const struct plan *plan,
                    const struct results *results);

#endif
