/* hlog.c: V2 encoding, deflate and base64 of histograms. See hlog.h.
 *
 * An encoded histogram is a head, then the counts of the buckets from the first to the last that is
 * not empty, as zigzag LEB128 numbers; a run of empty buckets is one negative number. All of it is
 * deflated and gets a cookie and its length in front. Numbers in heads are big-endian.
 */
#include "tools/hlog.h"

#include "core/base/check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    COOKIE = 0x1c849303 | 0x10, /* V2; 0x10: counts are LEB128 */
    COOKIE_DEFLATED = 0x1c849304 | 0x10,
    HEAD = 40,
    HEAD_DEFLATED = 8,
    COUNT_MOST = 9, /* bytes of one number */
    THREE_DIGITS_BITS = 10,
};

static size_t hlog_encode(unsigned char *to, struct histogram_parts histogram);
static size_t encode_counts(unsigned char *to, struct histogram_parts histogram);
static unsigned bucket_end(struct histogram_parts histogram);
static uint64_t count_of(struct histogram_parts histogram, unsigned bucket);
static unsigned char *hlog_put_number(unsigned char *to, int64_t value);
static void put_big_endian(unsigned char *to, uint64_t value, unsigned bytes);
static void print_base64(FILE *out, const unsigned char *bytes, size_t len);

void hlog_begin(FILE *out, double start_s)
{
    fprintf(out,
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: %.3f (seconds since epoch)]\n"
            "#[BaseTime: %.3f (seconds since epoch)]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"\n",
            start_s, start_s);
}

void hlog_interval(FILE *out, double start_s, double length_s, struct histogram_parts histogram)
{
    size_t most = HEAD + (size_t)histogram_buckets_of(histogram.sub_bits) * COUNT_MOST;
    unsigned char *encoded = must_alloc(most);
    size_t len = hlog_encode(encoded, histogram);
    uLongf deflated_len = compressBound(len);
    unsigned char *deflated = must_alloc(HEAD_DEFLATED + deflated_len);
    CHECK(compress2(deflated + HEAD_DEFLATED, &deflated_len, encoded, len, Z_BEST_SPEED) == Z_OK);
    put_big_endian(deflated, COOKIE_DEFLATED, 4);
    put_big_endian(deflated + 4, deflated_len, 4);

    double max_ms = (double)atomic_load_explicit(histogram.max, memory_order_relaxed) / 1e6;
    fprintf(out, "%.3f,%.3f,%.6f,", start_s, length_s, max_ms);
    print_base64(out, deflated, HEAD_DEFLATED + deflated_len);
    putc('\n', out);
    free(deflated);
    free(encoded);
}

/* Significant digits of a value. For d of them HdrHistogram takes the power of two above 2 * 10^d as
 * the number of sub-buckets, half of which are in a run. */
static unsigned digits_of(unsigned sub_bits)
{
    CHECK(sub_bits == HISTOGRAM_SUB_BITS || sub_bits == THREE_DIGITS_BITS);
    return sub_bits == THREE_DIGITS_BITS ? 3 : 2;
}

static size_t hlog_encode(unsigned char *to, struct histogram_parts histogram)
{
    static const double ratio = 1; /* of a value to what it was made from */
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    size_t len = encode_counts(to + HEAD, histogram);
    put_big_endian(to, COOKIE, 4);
    put_big_endian(to + 4, len, 4);
    put_big_endian(to + 8, 0, 4); /* the counts are not shifted */
    put_big_endian(to + 12, digits_of(histogram.sub_bits), 4);
    put_big_endian(to + 16, 1, 8); /* the lowest value distinguishable from 0 */
    put_big_endian(to + 24, (1ull << HISTOGRAM_TOP_BIT) - 1, 8); /* the highest value */
    put_big_endian(to + 32, ratio_bits, 8);
    return HEAD + len;
}

static size_t encode_counts(unsigned char *to, struct histogram_parts histogram)
{
    unsigned char *next = to;
    unsigned end = bucket_end(histogram);
    for (unsigned i = 0, run; i < end; i += run) {
        uint64_t count = count_of(histogram, i);
        run = 1;
        while (count == 0 && count_of(histogram, i + run) == 0) {
            run++; /* ends before `end`, whose last bucket is not empty */
        }
        next = hlog_put_number(next, run > 1 ? -(int64_t)run : (int64_t)count);
    }
    return (size_t)(next - to);
}

/* One behind the last bucket that is not empty. */
static unsigned bucket_end(struct histogram_parts histogram)
{
    unsigned end = histogram_buckets_of(histogram.sub_bits);
    while (end > 0 && count_of(histogram, end - 1) == 0) {
        end--;
    }
    return end;
}

static uint64_t count_of(struct histogram_parts histogram, unsigned bucket)
{
    return atomic_load_explicit(&histogram.buckets[bucket], memory_order_relaxed);
}

/* Zigzag puts the sign into the lowest bit; then seven bits a byte, the ninth byte holds eight. */
static unsigned char *hlog_put_number(unsigned char *to, int64_t value)
{
    uint64_t left = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    for (unsigned i = 1; i < COUNT_MOST && left >= 0x80; i++) {
        *to++ = (unsigned char)(left | 0x80);
        left >>= 7;
    }
    *to++ = (unsigned char)left;
    return to;
}

static void put_big_endian(unsigned char *to, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) {
        *to++ = (unsigned char)(value >> 8 * bytes);
    }
}

static void print_base64(FILE *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; len > 0; bytes += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t word = (uint32_t)bytes[0] << 16;
        word |= n > 1 ? (uint32_t)bytes[1] << 8 : 0;
        word |= n > 2 ? bytes[2] : 0;
        putc(digits[word >> 18], out);
        putc(digits[word >> 12 & 63], out);
        putc(n > 1 ? digits[word >> 6 & 63] : '=', out);
        putc(n > 2 ? digits[word & 63] : '=', out);
        len -= n;
    }
}
