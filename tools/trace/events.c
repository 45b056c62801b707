/* events.c: see events.h. */
#include "tools/trace/events.h"

#include "core/base/json_read.h"

static void put_process_name(struct events *events, const struct trace_source *source);
static void put_station(struct events *events, const char *phase, const struct flight *flight,
                        const struct part *part);
static void put_args(struct events *events, const struct flight *flight, const struct part *part);
static void put_event(struct events *events, const char *phase, unsigned process);
static void events_put_number(struct events *events, const char *key, uint64_t value);
static void events_put_thread(struct events *events, unsigned thread);
static void events_put_time(struct events *events, uint64_t at_ns);
static void events_put_name(struct events *events, const char *name);

void events_begin(struct events *events, FILE *out, uint64_t started_ns)
{
    events->some = false;
    events->started_ns = started_ns;
    events->slices = events->spans = events->arrows = 0;
    text_out_init(&events->text, out);
    text_out_put(&events->text, "{\"traceEvents\": [");
}

void events_end(struct events *events, uint64_t requests, uint64_t lost)
{
    events_put_number(
        events, "\n],\n\"displayTimeUnit\": \"ns\",\n\"otherData\": {\"requests\": ", requests);
    events_put_number(events, ", \"slices\": ", events->slices);
    events_put_number(events, ", \"spans_beside_threads\": ", events->spans);
    events_put_number(events, ", \"arrows\": ", events->arrows);
    events_put_number(events, ", \"records_lost\": ", lost);
    text_out_put(&events->text, "}}\n");
    text_out_flush(&events->text);
}

void events_names(struct events *events, const struct trace_source *source)
{
    put_process_name(events, source);
    for (unsigned i = 0; i < source->threads.count; i++) {
        put_event(events, "M", source->number);
        events_put_thread(events, i);
        text_out_put(&events->text, ",\"name\":\"thread_name\",\"args\":{\"name\":\"");
        events_put_name(events, name_list_get(&source->threads, i));
        text_out_put(&events->text, "\"}}");
        put_event(events, "M", source->number);
        events_put_thread(events, i);
        events_put_number(events, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":", i);
        text_out_put(&events->text, "}}");
    }
}

void events_slice(struct events *events, const struct flight *flight, const struct part *part)
{
    events->slices++;
    put_event(events, "X", flight->source->number);
    events_put_thread(events, part->thread);
    events_put_time(events, part->begin_ns);
    text_out_put(&events->text, ",\"dur\":");
    text_out_us(&events->text, (int64_t)(part->end_ns - part->begin_ns));
    text_out_put(&events->text, ",\"cat\":\"stage\",\"name\":\"");
    text_out_put(&events->text, part->name);
    put_args(events, flight, part);
}

/* Each has a number of its own, so that none is taken for the inside of another. */
void events_span(struct events *events, const struct flight *flight, const struct part *part)
{
    events->spans++;
    for (unsigned end = 0; end < 2; end++) {
        put_event(events, end ? "e" : "b", flight->source->number);
        events_put_thread(events, part->thread);
        events_put_time(events, end ? part->end_ns : part->begin_ns);
        events_put_number(events, ",\"id\":", events->spans);
        text_out_put(&events->text, ",\"cat\":\"beside\",\"name\":\"");
        text_out_put(&events->text, part->name);
        if (end) {
            text_out_put(&events->text, "\"}");
        } else {
            put_args(events, flight, part);
        }
    }
}

void events_arrow(struct events *events, const struct flight *flight)
{
    const struct part *stations[FLIGHT_PARTS];
    unsigned count = 0;
    for (unsigned i = 0; i < flight->part_count; i++) {
        if (flight->exclusive[i]) {
            stations[count++] = &flight->parts[i];
        }
    }
    if (count < 2) {
        return;
    }
    events->arrows++;
    for (unsigned i = 0; i < count; i++) {
        const char *phase = i == 0 ? "s" : i + 1 < count ? "t" : "f";
        put_station(events, phase, flight, stations[i]);
    }
}

void events_counter(struct events *events, const struct trace_source *source, uint64_t at_ns,
                    const char *what, const char *name, unsigned count, const char *const *keys,
                    const uint64_t *values)
{
    put_event(events, "C", source->number);
    events_put_time(events, at_ns);
    text_out_put(&events->text, ",\"name\":\"");
    text_out_put(&events->text, what);
    events_put_name(events, name);
    text_out_put(&events->text, "\",\"args\":{");
    for (unsigned i = 0; i < count; i++) {
        text_out_put(&events->text, i > 0 ? ",\"" : "\"");
        text_out_put(&events->text, keys[i]);
        events_put_number(events, "\":", values[i]);
    }
    text_out_put(&events->text, "}}");
}

/* "quartet 2:staged": which of several it is, and its model, or the wiring of one without. */
static void put_process_name(struct events *events, const struct trace_source *source)
{
    char model[TRACE_NAME] = "";
    json_t *root = json_read(source->config, NULL); /* NULL where the file has none */
    const json_t *config = json_object_get(root, "config");
    if (json_read_word(config, "model", model, sizeof model) == 0) {
        (void)json_read_word(config, "wiring", model, sizeof model);
    }
    json_decref(root);
    put_event(events, "M", source->number);
    text_out_put(&events->text, ",\"name\":\"process_name\",\"args\":{\"name\":\"quartet");
    text_out_put(&events->text, source->prefix[0] != '\0' || model[0] != '\0' ? " " : "");
    text_out_put(&events->text, source->prefix);
    events_put_name(events, model);
    text_out_put(&events->text, "\"}}");
}

/* At the middle of the slice, so that no rounding of a viewer takes it out. */
static void put_station(struct events *events, const char *phase, const struct flight *flight,
                        const struct part *part)
{
    put_event(events, phase, flight->source->number);
    events_put_thread(events, part->thread);
    events_put_time(events, part->begin_ns + (part->end_ns - part->begin_ns) / 2);
    events_put_number(events, ",\"id\":", events->arrows);
    text_out_put(&events->text, ",\"cat\":\"request\",\"name\":\"request\"");
    text_out_put(&events->text, phase[0] == 'f' ? ",\"bp\":\"e\"}" : "}");
}

/* The end of the name, and of the event. */
static void put_args(struct events *events, const struct flight *flight, const struct part *part)
{
    events_put_number(events, "\",\"args\":{\"request\":", flight->request_id);
    events_put_number(events, ",\"connection\":", flight->connection_id);
    text_out_put(&events->text, ",\"method\":\"");
    text_out_put(&events->text, flight->method);
    events_put_number(events, "\",\"status\":", flight->status);
    events_put_number(events, ",\"bytes\":", flight->bytes_sent);
    if (part->blocked_us > 0) {
        events_put_number(events, ",\"blocked_us\":", part->blocked_us);
    }
    if (flight->socket_wait_ns >= 0) {
        text_out_put(&events->text, ",\"socket_wait_us\":");
        text_out_us(&events->text, flight->socket_wait_ns);
    }
    text_out_put(&events->text, "}}");
}

static void put_event(struct events *events, const char *phase, unsigned process)
{
    text_out_put(&events->text, events->some ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
    text_out_put(&events->text, phase);
    events_put_number(events, "\",\"pid\":", process);
    events->some = true;
}

static void events_put_number(struct events *events, const char *key, uint64_t value)
{
    text_out_put(&events->text, key);
    text_out_number(&events->text, value);
}

static void events_put_thread(struct events *events, unsigned thread)
{
    events_put_number(events, ",\"tid\":", thread + 1);
}

/* Counted from the run's start; where the head was damaged, from the first event. */
static void events_put_time(struct events *events, uint64_t at_ns)
{
    if (events->started_ns == 0) {
        events->started_ns = at_ns;
    }
    text_out_put(&events->text, ",\"ts\":");
    text_out_us(&events->text, (int64_t)(at_ns - events->started_ns));
}

/* Names are ours; what a forged file could do harm with becomes '?'. */
static void events_put_name(struct events *events, const char *name)
{
    for (; *name != '\0'; name++) {
        bool plain = *name >= ' ' && *name <= '~' && *name != '"' && *name != '\\';
        text_out_put(&events->text, (char[]){plain ? *name : '?', '\0'});
    }
}
