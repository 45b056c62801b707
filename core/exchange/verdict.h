/* verdict.h: what a step says the connection needs next.
 *
 * A step (core/exchange/conn.h, core/handlers/handler.h) does things to a connection and never
 * waits. What it returns is all that a stage needs to know; the thread group decides how to wait
 * for it, the wiring decides where the connection goes.
 */
#ifndef CORE_EXCHANGE_VERDICT_H
#define CORE_EXCHANGE_VERDICT_H

enum verdict {
#define VERDICT(name, what) VERDICT_##name,
#include "core/exchange/verdicts.def"
#undef VERDICT
    VERDICT_COUNT
};

#endif
