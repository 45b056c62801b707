/* The lines of an .hlog file, byte by byte. That other programs find the same percentiles in them
 * is shown in exports.py, with an independent reader. */
#include "tools/hlog.h"

#include "tests/test.h"
#include "tools/load/fine.h"

#include <stdbool.h>
#include <zlib.h>

struct text {
    char *at;
    size_t len;
};

static struct text line_of(const struct histogram *histogram)
{
    struct text text;
    FILE *out = open_memstream(&text.at, &text.len);
    hlog_interval(out, 2, 1, histogram_parts(histogram));
    expect_int(fclose(out), 0);
    return text;
}

static unsigned digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    expect(at != NULL && c != '\0');
    return (unsigned)(at - digits);
}

/* Into at most `size` bytes; stops at the padding. */
static size_t from_base64(unsigned char *to, size_t size, const char *text)
{
    size_t len = 0;
    unsigned word = 0, bits = 0;
    for (; *text != '=' && *text != '\n'; text++) {
        word = word << 6 | digit(*text);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            expect(len < size);
            to[len++] = (unsigned char)(word >> bits);
        }
    }
    return len;
}

/* The encoded histogram, with both heads. */
static size_t decode(unsigned char *to, size_t size, struct text line, unsigned char head[8])
{
    unsigned char deflated[8192];
    const char *text = strrchr(line.at, ',') + 1;
    size_t len = from_base64(deflated, sizeof deflated, text);
    uLongf inflated = size;
    expect_int((text + strcspn(text, "\n") - text) % 4, 0);
    expect_int(uncompress(to, &inflated, deflated + 8, len - 8), Z_OK);
    memcpy(head, deflated, 8);
    expect_int((size_t)head[4] << 24 | (size_t)head[5] << 16 | (size_t)head[6] << 8 | head[7],
               len - 8);
    return inflated;
}

TEST(hlog, begins_with_the_wall_clock_and_the_columns)
{
    struct text text;
    FILE *out = open_memstream(&text.at, &text.len);
    hlog_begin(out, 1700000000.25);
    expect_int(fclose(out), 0);
    expect_text(text.at, "#[Histogram log format version 1.3]\n"
                         "#[StartTime: 1700000000.250 (seconds since epoch)]\n"
                         "#[BaseTime: 1700000000.250 (seconds since epoch)]\n"
                         "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                         "\"Interval_Compressed_Histogram\"\n");
    free(text.at);
}

TEST(hlog, encodes_counts_and_runs_of_empty_buckets)
{
    static struct histogram histogram;
    unsigned char encoded[8192], head[8];
    histogram_record(&histogram, 1);
    histogram_record(&histogram, 3);
    for (unsigned i = 0; i < 70; i++) {
        histogram_record(&histogram, 300); /* bucket 278: 256 + 44 / 2 */
    }
    struct text line = line_of(&histogram);
    expect(strncmp(line.at, "2.000,1.000,0.000300,HISTFAAA", 29) == 0);
    size_t len = decode(encoded, sizeof encoded, line, head);
    static const unsigned char expected[] = {0x1c, 0x84, 0x93, 0x13, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0,
                                             0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0,
                                             /* 0 alone, 1, 0 alone, 1, 274 empty, 70 */
                                             0, 2, 0, 2, 0xa3, 0x04, 0x8c, 0x01};
    expect_int(len, sizeof expected);
    expect(memcmp(encoded, expected, len) == 0);
    expect(memcmp(head, (unsigned char[]){0x1c, 0x84, 0x93, 0x14}, 4) == 0);
    free(line.at);
}

/* 300 has a bucket of its own there, and the head says three digits. */
TEST(hlog, encodes_a_finer_histogram)
{
    static struct fine fine;
    unsigned char encoded[8192], head[8];
    struct text line;
    fine_record(&fine, 300);
    fine_record(&fine, 5000); /* bucket 3298: (2 << 10) + 5000 / 4 */
    FILE *out = open_memstream(&line.at, &line.len);
    hlog_interval(out, 2, 1, fine_parts(&fine));
    expect_int(fclose(out), 0);
    size_t len = decode(encoded, sizeof encoded, line, head);
    expect_int(encoded[15], 3);
    /* 300 empty, 1, 2997 empty, 1 */
    static const unsigned char expected[] = {0xd7, 0x04, 0x02, 0xe9, 0x2e, 0x02};
    expect_int(len, 40 + sizeof expected);
    expect(memcmp(encoded + 40, expected, sizeof expected) == 0);
    free(line.at);
}

TEST(hlog, a_histogram_without_values_is_a_line_without_counts)
{
    static struct histogram histogram;
    unsigned char encoded[8192], head[8];
    struct text line = line_of(&histogram);
    expect_int(decode(encoded, sizeof encoded, line, head), 40);
    expect(strncmp(line.at, "2.000,1.000,0.000000,", 21) == 0);
    free(line.at);
}

TEST(hlog, takes_the_largest_counts_in_nine_bytes)
{
    static struct histogram histogram;
    unsigned char encoded[8192], head[8];
    atomic_store(&histogram.buckets[0], (uint64_t)INT64_MAX);
    struct text line = line_of(&histogram);
    expect_int(decode(encoded, sizeof encoded, line, head), 40 + 9);
    static const unsigned char expected[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    expect(memcmp(encoded + 40, expected, 9) == 0);
    free(line.at);
}

TEST(hlog, a_full_histogram_fits)
{
    static struct histogram histogram;
    static unsigned char encoded[65536];
    unsigned char head[8];
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        atomic_store(&histogram.buckets[i], 1);
    }
    struct text line = line_of(&histogram);
    expect_int(decode(encoded, sizeof encoded, line, head), 40 + HISTOGRAM_BUCKETS);
    free(line.at);
}
