/* The trace reader and everything quartet-trace does with what it reads, over arbitrary bytes.
 *
 * The first byte says how: salvage or not, which verb, and whether the check values are made to
 * fit, as a forger would, so that the input gets behind them.
 */
#include "core/trace_reader.h"
#include "tools/trace/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(char *bytes, size_t len)
{
    struct trace_head head;
    struct trace_block block;
    size_t at = sizeof head;
    if (len < sizeof head) {
        return;
    }
    memcpy(&head, bytes, sizeof head);
    memcpy(head.magic, TRACE_MAGIC, sizeof head.magic);
    head.check = trace_head_check(&head);
    memcpy(bytes, &head, sizeof head);
    while (at + sizeof block <= len) {
        memcpy(&block, bytes + at, sizeof block);
        block.marker = TRACE_MARKER;
        if (block.length > len - at - sizeof block) {
            return;
        }
        block.check = trace_block_check(&block, bytes + at + sizeof block);
        memcpy(bytes + at, &block, sizeof block);
        at += sizeof block + block.length;
    }
}

/* One run of the tool, its output thrown away. */
static void show(char *bytes, size_t len, bool salvage, const struct trace_verb *verb)
{
    FILE *in = fmemopen(bytes, len, "r");
    FILE *none = fopen("/dev/null", "w");
    if (in != NULL && none != NULL) {
        struct trace_source source = {.path = "fuzz", .in = in};
        struct trace_run run = {.salvage = salvage,
                                .join_window = 64,
                                .out = none,
                                .err = none,
                                .source_count = 1,
                                .sources = &source};
        (void)trace_run_show(&run, verb, NULL);
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    if (none != NULL) {
        (void)fclose(none);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    unsigned how = data[0];
    size_t len = size - 1;
    char *bytes = malloc(len);
    memcpy(bytes, data + 1, len);
    if (how & 1) {
        seal(bytes, len);
    }
    show(bytes, len, how & 2, trace_verbs[(how >> 2) % 3]);
    free(bytes);
    return 0;
}
