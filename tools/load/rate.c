/* rate.c: see rate.h. */
#include "tools/load/rate.h"

#include "core/base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool rate_parse(const char *text, struct rate *rate)
{
    *rate = (struct rate){.ramp = strchr(text, ':') != NULL};
    char between = rate->ramp ? ':' : ',';
    unsigned most = rate->ramp ? 2 : RATE_STEPS_MAX;
    for (const char *at = text;; at++) {
        size_t digits = strspn(at, "0123456789");
        double value = digits >= 1 && digits <= 8 ? strtod(at, NULL) : 0;
        if (value < 1 || value > RATE_MAX || rate->count == most) {
            return false;
        }
        rate->at[rate->count++] = value;
        at += digits;
        if (*at == '\0') {
            return !rate->ramp || rate->count == 2;
        }
        if (*at != between) {
            return false;
        }
    }
}

double rate_mean(const struct rate *rate)
{
    double sum = 0;
    for (unsigned i = 0; i < rate->count; i++) {
        sum += rate->at[i];
    }
    return rate->count > 0 ? sum / rate->count : 0;
}

static void rate_curve_add(struct rate_curve *curve, double length_s, double from, double to)
{
    struct rate_piece *piece = &curve->pieces[curve->count];
    *piece = (struct rate_piece){.length_s = length_s, .rate = from};
    if (from < to || from > to) {
        piece->rise = (to - from) / length_s;
    }
    if (curve->count > 0) {
        const struct rate_piece *last = piece - 1;
        double mean = last->rate + last->rise * last->length_s / 2;
        piece->start_s = last->start_s + last->length_s;
        piece->before = last->before + mean * last->length_s;
    }
    curve->count++;
}

void rate_curve_make(struct rate_curve *curve, const struct rate *rate, uint64_t warmup_ns,
                     uint64_t duration_ns)
{
    double warmup_s = (double)warmup_ns / (double)NS_PER_S;
    double window_s = (double)duration_ns / (double)NS_PER_S;
    *curve = (struct rate_curve){0};
    if (rate->count > 1) {
        rate_curve_add(curve, warmup_s, rate->at[0], rate->at[0]);
    }
    if (rate->ramp) {
        rate_curve_add(curve, window_s, rate->at[0], rate->at[1]);
    }
    for (unsigned i = 0; !rate->ramp && i + 1 < rate->count; i++) {
        rate_curve_add(curve, window_s / rate->count, rate->at[i], rate->at[i]);
    }
    double last = rate->at[rate->count - 1];
    rate_curve_add(curve, INFINITY, last, last);
}

double rate_curve_due(const struct rate_curve *curve, double at_ns)
{
    double at_s = at_ns / (double)NS_PER_S;
    const struct rate_piece *piece = curve->pieces;
    while (at_s > piece->start_s + piece->length_s) {
        piece++;
    }
    double in_s = at_s - piece->start_s;
    return piece->before + in_s * (piece->rate + piece->rise * in_s / 2);
}

/* Of the two solutions of rate * t + rise * t^2 / 2 = due the one that is right for a rise of 0,
 * too, and exact there. */
double rate_curve_time_ns(const struct rate_curve *curve, double due)
{
    const struct rate_piece *piece = curve->pieces, *last = piece + curve->count - 1;
    while (piece < last && due >= piece[1].before) {
        piece++;
    }
    due -= piece->before;
    double root = sqrt(fmax(0, piece->rate * piece->rate + 2 * piece->rise * due));
    return piece->start_s * (double)NS_PER_S + 2 * due * (double)NS_PER_S / (piece->rate + root);
}
