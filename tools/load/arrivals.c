/* arrivals.c: constant and exponential gaps, and bursts. See arrivals.h. */
#include "tools/load/arrivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool arrivals_parse(const char *text, struct arrivals_form *form)
{
    *form = (struct arrivals_form){.burst = 1};
    if (strcmp(text, "poisson") == 0) {
        return true;
    }
    if (strcmp(text, "constant") == 0) {
        form->kind = ARRIVALS_CONSTANT;
        return true;
    }
    size_t digits = strncmp(text, "burst:", 6) == 0 ? strspn(text + 6, "0123456789") : 0;
    form->kind = ARRIVALS_BURST;
    form->burst = digits >= 1 && digits <= 6 ? (unsigned)atoi(text + 6) : 0;
    return form->burst >= 1 && form->burst <= ARRIVALS_BURST_MAX && text[6 + digits] == '\0';
}

void arrivals_begin(struct arrivals *arrivals, struct arrivals_form form,
                    const struct rate_curve *curve, uint64_t seed, struct seat seat,
                    uint64_t start_ns)
{
    *arrivals = (struct arrivals){.form = form, .curve = curve, .seat = seat, .start_ns = start_ns};
    random_seed(&arrivals->random, seed, RANDOM_ARRIVALS, seat);
}

uint64_t arrivals_next(struct arrivals *arrivals)
{
    struct seat seat = arrivals->seat;
    unsigned burst = arrivals->form.burst;
    if (arrivals->form.kind == ARRIVALS_CONSTANT) {
        arrivals->position = (double)(arrivals->count * seat.of + seat.number);
    } else if (arrivals->count % burst == 0) {
        arrivals->position -= log(random_unit(&arrivals->random)) * seat.of * burst;
    }
    arrivals->count++;
    return arrivals->start_ns + (uint64_t)rate_curve_time_ns(arrivals->curve, arrivals->position);
}
