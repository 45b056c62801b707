/* The trace reader and everything quartet-trace does with what it reads, over arbitrary bytes.
 *
 * The first byte says how: salvage or not, which verb, one file or the same as two, and whether the
 * check values are made to fit, as a forger would, so that the input gets behind them.
 */
#include "core/trace/trace_reader.h"
#include "tools/trace/run.h"

#include <stdlib.h>
#include <unistd.h>

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
    head.version = TRACE_VERSION;
    head.head_size = sizeof head;
    head.block_size = sizeof block;
    head.record_size = sizeof(struct trace_record);
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

static const char *dir_made;

static void remove_dir(void)
{
    char path[128];
    for (unsigned i = 0; i < INTERVAL_COUNT; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.hlog", dir_made, interval_name(i));
        (void)unlink(path); /* it may not be there */
    }
    (void)rmdir(dir_made);
}

/* Where the verbs that make files write; the others take these, too, or nothing. */
static const char *argument_of(const struct trace_verb *verb)
{
    static char dir[] = "/tmp/quartet-fuzz-XXXXXX";
    static bool made;
    if (verb == &trace_verb_hdr && !made) {
        made = mkdtemp(dir) != NULL; /* stays behind when the fuzzer is killed */
        (void)atexit(remove_dir);
        dir_made = dir;
    }
    if (verb == &trace_verb_perfetto || verb == &trace_verb_html) {
        return "/dev/null";
    }
    return verb == &trace_verb_hdr ? dir : "5";
}

/* One of those that read files. */
static const struct trace_verb *pick_verb(unsigned which)
{
    const struct trace_verb *verbs[16];
    unsigned count = 0;
    for (unsigned i = 0; trace_verbs[i] != NULL && count < 16; i++) {
        if (trace_verbs[i]->begin != NULL) {
            verbs[count++] = trace_verbs[i];
        }
    }
    return verbs[which % count];
}

/* One run of the tool, its output thrown away. */
static void show(char *bytes, size_t len, unsigned how)
{
    const struct trace_verb *verb = pick_verb(how >> 2 & 31);
    struct trace_source sources[2] = {{.path = "fuzz 1", .in = fmemopen(bytes, len, "r")},
                                      {.path = "fuzz 2", .in = fmemopen(bytes, len, "r")}};
    FILE *none = fopen("/dev/null", "w");
    if (sources[0].in == NULL || sources[1].in == NULL || none == NULL) {
        abort(); /* nothing would be tested */
    }
    struct trace_run run = {.salvage = how & 2,
                            .join_window = 64,
                            .out = none,
                            .err = none,
                            .source_count = how & 128 ? 2 : 1,
                            .sources = sources};
    (void)trace_run_show(&run, verb, argument_of(verb));
    (void)fclose(sources[0].in);
    (void)fclose(sources[1].in);
    (void)fclose(none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t len = size - 1;
    char *bytes = malloc(len);
    memcpy(bytes, data + 1, len);
    if (data[0] & 1) {
        seal(bytes, len);
    }
    show(bytes, len, data[0]);
    free(bytes);
    return 0;
}
