/* later.h: one thread that goes on with exchanges when their time has come.
 *
 * Why: a handler that waits for something need not occupy its thread meanwhile. It notes the moment
 * and what is to be done then, says HANDLER_AWAY (handler.h), and this module's thread, q-later,
 * completes the answer. It stands for whatever else may complete answers from outside: a database's
 * thread, a timer.
 *
 * Use: later_start once, before there are handlers; later_call from any of them; later_hurry when
 * the server cuts its handlers short; later_stop when nothing waits any more. One for the process.
 *
 * Thread-safety: later_call and later_hurry from any thread. Functions are called one after the
 * other on q-later, without a lock held, never before their time; they must not block, since those
 * behind them wait.
 *
 * When full (LATER_MOST wait): later_call refuses, and the caller still owns the exchange.
 */
#ifndef CORE_HANDLERS_LATER_H
#define CORE_HANDLERS_LATER_H

#include <stdbool.h>
#include <stdint.h>

struct exchange;

enum { LATER_MOST = 1 << 16 };

/* Owns the exchange from the call on. */
typedef void later_fn(struct exchange *x);

void later_start(void);

/* Joins the thread. No call may wait, and no thread may call later_call any more. */
void later_stop(void);

/* Calls fn(x) at `due_ns` (clock_ns) or a little later. True: the exchange is given away, perhaps
 * completed already. False: too many wait, or there is no thread. */
bool later_call(uint64_t due_ns, later_fn *fn, struct exchange *x);

/* From now on nothing waits: what does is called at once, and so is what comes. */
void later_hurry(void);

#endif
