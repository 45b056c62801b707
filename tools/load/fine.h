/* fine.h: a histogram of 10 sub-bucket bits: percentiles are too high by at most a thousandth, where
 * those of core/base/histogram.h, of which a server has hundreds, are by at most 0.8 %. 250 KiB, of
 * which only the pages that are needed exist. Threads: as there.
 */
#ifndef TOOLS_LOAD_FINE_H
#define TOOLS_LOAD_FINE_H

#include "core/base/histogram.h"

enum {
    FINE_BITS = 10,
    FINE_BUCKETS = (HISTOGRAM_TOP_BIT - FINE_BITS + 1) << FINE_BITS,
};

/* All zero is empty. */
struct fine {
    _Atomic uint64_t sum, max, count;
    _Atomic uint64_t buckets[FINE_BUCKETS];
};

/* What only reads may be given the parts of what is const. */
static inline struct histogram_parts fine_parts(const struct fine *fine)
{
    struct fine *at = (struct fine *)fine;
    return (struct histogram_parts){FINE_BITS, &at->sum, &at->max, &at->count, at->buckets};
}

static inline void fine_record(struct fine *fine, uint64_t value)
{
    histogram_parts_record(fine_parts(fine), value, 1);
}

static inline void fine_merge(struct fine *to, const struct fine *from)
{
    histogram_parts_merge(fine_parts(to), fine_parts(from));
}

static inline void fine_subtract(struct fine *of, const struct fine *from)
{
    histogram_parts_subtract(fine_parts(of), fine_parts(from));
}

static inline uint64_t fine_percentile(const struct fine *fine, double share)
{
    return histogram_parts_percentile(fine_parts(fine), share);
}

static inline double fine_mean(const struct fine *fine)
{
    return histogram_parts_mean(fine_parts(fine));
}

#endif
