/* verdict.h: what a step says the connection needs next.
 *
 * A step (core/conn.h, core/handler.h) does things to a connection and never waits. What it returns
 * is all that a stage needs to know; the thread group decides how to wait for it, the wiring
 * decides where the connection goes.
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

enum verdict {
#define VERDICT(name, what) VERDICT_##name,
#include "core/verdicts.def"
#undef VERDICT
    VERDICT_COUNT
};

#endif
