/* patience.h: waiting on purpose, as handlers do for experiments, until the server has no time left
 * for it.
 */
#ifndef CORE_HANDLERS_PATIENCE_H
#define CORE_HANDLERS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Sleeps on purpose until `until_ns` or until the server cuts its handlers short. Any thread that
 * runs a handler. */
void patience_sleep(uint64_t until_ns);
/* Burns CPU until `until_ns` or until cut short. */
void patience_spin(uint64_t until_ns);
/* Ends all such sleeps, now and in the future. Any thread. */
void patience_end(void);
bool patience_ended(void);

#endif
