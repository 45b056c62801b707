/* Whole, cut, damaged and foreign files. */
#include "core/trace/trace_reader.h"

#include "tests/core/trace_files.h"

static struct whole_file sample_file(uint64_t requests)
{
    char path[TRACE_PATH];
    trace_path(path);
    trace_make(path, requests);
    struct whole_file file = file_read(path);
    expect_int(unlink(path), 0);
    return file;
}

/* Where blocks begin in a whole file, and its end. */
enum { PLACES = 64 };
static unsigned block_places(struct whole_file file, size_t places[PLACES])
{
    unsigned count = 0;
    for (size_t at = sizeof(struct trace_head); at < file.len; count++) {
        struct trace_block block;
        expect(count < PLACES - 1);
        places[count] = at;
        memcpy(&block, file.at + at, sizeof block);
        at += sizeof block + block.length;
    }
    places[count] = file.len;
    return count;
}

static unsigned whole_blocks_before(const size_t places[PLACES], unsigned count, size_t cut)
{
    unsigned whole = 0;
    while (whole < count && places[whole + 1] <= cut) {
        whole++;
    }
    return whole;
}

static void expect_cut(struct whole_file file, const size_t places[PLACES], unsigned count,
                       size_t cut)
{
    struct reading strict = reading_of(file.at, cut, false);
    expect_int(strict.last, TRACE_ITEM_BROKEN);
    expect(strncmp(strict.error, "byte ", 5) == 0);
    expect(strtoull(strict.error + 5, NULL, 10) <= cut);
    unsigned whole = whole_blocks_before(places, count, cut);
    expect_int(strict.blocks, whole);
    expect_int(reading_of(file.at, cut, true).blocks, whole);
}

TEST(trace_reader, a_cut_is_told_at_every_byte_and_the_rest_salvaged)
{
    size_t places[PLACES] = {0};
    struct whole_file file = sample_file(40);
    unsigned count = block_places(file, places);
    for (size_t cut = 0; cut < places[3] && cut < file.len; cut++) {
        expect_cut(file, places, count, cut);
    }
    uint64_t state = 5;
    for (unsigned i = 0; i < 200; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        expect_cut(file, places, count, places[2] + (state >> 20) % (file.len - places[2]));
    }
    expect_int(reading_of(file.at, file.len, false).blocks, count);
    free(file.at);
}

TEST(trace_reader, a_flipped_byte_is_told_and_costs_one_block)
{
    size_t places[PLACES] = {0};
    struct whole_file file = sample_file(20);
    unsigned count = block_places(file, places);
    for (size_t at = 0; at < file.len; at += at < 2000 ? 1 : 7) {
        file.at[at] ^= 0x10;
        struct reading strict = reading_of(file.at, file.len, false);
        expect_int(strict.last, TRACE_ITEM_BROKEN);
        struct reading salvaged = reading_of(file.at, file.len, true);
        if (at >= sizeof(struct trace_head)) {
            expect_int(salvaged.blocks, count - 1);
            expect_int(salvaged.gaps, 1);
            expect(salvaged.skipped > 0);
        } else if (at < 8 || at >= 12) {
            expect_int(salvaged.blocks, count);
        }
        file.at[at] ^= 0x10;
    }
    free(file.at);
}

TEST(trace_reader, bytes_put_in_or_taken_out_cost_one_block)
{
    size_t places[PLACES] = {0};
    struct whole_file file = sample_file(20);
    unsigned count = block_places(file, places);
    size_t at = places[2] + 100;
    char *more = malloc(file.len + 3);
    memcpy(more, file.at, at);
    memcpy(more + at, "???", 3);
    memcpy(more + at + 3, file.at + at, file.len - at);
    expect_int(reading_of(more, file.len + 3, true).blocks, count - 1);
    memcpy(more + at, file.at + at + 5, file.len - at - 5);
    expect_int(reading_of(more, file.len - 5, true).blocks, count - 1);
    free(more);
    free(file.at);
}

TEST(trace_reader, bytes_between_two_blocks_cost_none)
{
    size_t places[PLACES] = {0};
    struct whole_file file = sample_file(20);
    unsigned count = block_places(file, places);
    for (size_t n = 1; n <= 9; n++) {
        char *more = malloc(file.len + n);
        memcpy(more, file.at, places[2]);
        memset(more + places[2], 'Q', n);
        memcpy(more + places[2] + n, file.at + places[2], file.len - places[2]);
        struct reading reading = reading_of(more, file.len + n, true);
        expect_int(reading.blocks, count);
        expect_int(reading.skipped, n);
        free(more);
    }
    free(file.at);
}

TEST(trace_reader, foreign_files_are_told)
{
    static const char *const texts[] = {
        "", "x", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "{\"run\": 1, \"a long text that is no trace\": \"at all\"}"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct reading reading = reading_of(texts[i], strlen(texts[i]), false);
        expect_int(reading.last, TRACE_ITEM_BROKEN);
        expect_text(reading.error, "byte 0: not a trace file");
        expect_int(reading_of(texts[i], strlen(texts[i]), true).blocks, 0);
    }
}

TEST(trace_reader, another_version_is_refused_even_by_salvage)
{
    struct whole_file file = sample_file(3);
    struct trace_head head;
    memcpy(&head, file.at, sizeof head);
    head.version = TRACE_VERSION + 1;
    head.check = trace_head_check(&head);
    memcpy(file.at, &head, sizeof head);
    expect_int(reading_of(file.at, file.len, false).last, TRACE_ITEM_BROKEN);
    struct reading reading = reading_of(file.at, file.len, true);
    expect_int(reading.last, TRACE_ITEM_BROKEN);
    expect(strstr(reading.error, "another version") != NULL);
    free(file.at);
}

TEST(trace_reader, bytes_behind_the_report_are_told)
{
    struct whole_file file = sample_file(3);
    file.at[file.len] = 'x'; /* where the 0 was */
    struct reading reading = reading_of(file.at, file.len + 1, false);
    expect_int(reading.last, TRACE_ITEM_BROKEN);
    expect(strstr(reading.error, "foreign bytes behind") != NULL);
    free(file.at);
}

TEST(trace_reader, a_huge_length_costs_no_memory)
{
    struct whole_file file = sample_file(3);
    struct trace_block block;
    memcpy(&block, file.at + sizeof(struct trace_head), sizeof block);
    block.length = TRACE_PAYLOAD_MAX;
    memcpy(file.at + sizeof(struct trace_head), &block, sizeof block);
    struct trace_reader reader;
    FILE *in = fmemopen(file.at, file.len, "r");
    trace_reader_init(&reader, in, false);
    expect_int(trace_reader_next(&reader), TRACE_ITEM_BROKEN);
    expect(reader.capacity <= 128 * 1024);
    trace_reader_deinit(&reader);
    expect_int(fclose(in), 0);
    free(file.at);
}

TEST(trace_reader, the_check_value_sees_every_flipped_bit)
{
    unsigned char bytes[77];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 37);
    }
    uint64_t right = trace_check(1, bytes, sizeof bytes);
    for (unsigned i = 0; i < sizeof bytes * 8; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        expect(trace_check(1, bytes, sizeof bytes) != right);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    expect(trace_check(2, bytes, sizeof bytes) != right);
    expect(trace_check(1, bytes, sizeof bytes - 1) != right);
}
