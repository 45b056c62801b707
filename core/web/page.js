/* page.js: what the live page and the page of a trace have in common beside the drawings: the head,
 * the main figures, the key, the tables. Elements are found by their ids.
 */
"use strict";

const page = (() => {
    const by_id = (id) => document.getElementById(id);

    /* The model, and its wiring with each letter in its stage's colour. */
    function title(config) {
        show(by_id("model"), "text", config.model || "own wiring");
        document.title = `quartet: ${config.model || config.wiring}`;
        const spec = by_id("spec");
        if (spec.dataset.value !== config.wiring) {
            spec.dataset.value = config.wiring;
            spec.replaceChildren(...[...config.wiring].map(letter_or_text));
        }
    }

    function letter_or_text(character) {
        if (!"LKRPW".includes(character.toUpperCase())) {
            return document.createTextNode(character);
        }
        const bold = document.createElement("b");
        bold.className = "stage-" + character.toUpperCase();
        bold.textContent = character;
        return bold;
    }

    const FIGURES = [
        ["requests a second", "rate.REQUESTS", "amount", (v) => v.rate("REQUESTS")],
        ["total p50", "total.p50", "time", (v) => v.intervals.total && histograms.percentile(v.intervals.total, 0.5)],
        ["total p99", "total.p99", "time", (v) => v.intervals.total && histograms.percentile(v.intervals.total, 0.99)],
        ["requests in flight", "flow.all", "amount", (v) => v.in_flight && v.in_flight.all],
        ["connections", "connections", "amount", (v) => v.connections],
        ["CPUs in use", "cpus", "amount", (v) => v.cpus],
    ];

    /* Makes them, and returns what brings them up to date. */
    function figures() {
        const updates = FIGURES.map(([label, key, kind, get]) => {
            const figure = element(by_id("figures"), "div", "figure");
            element(figure, "dt", "", label);
            const value = element(figure, "dd");
            value.dataset.key = key;
            return (view) => show(value, kind, get(view));
        });
        return (view) => updates.forEach((update) => update(view));
    }

    /* Of a trace, the verdict leaves out the begin and the end of the run; the figures below have all. */
    function judged_part(view) {
        const part = view.verdict.since_ns / 1e9;
        return view.averages && part > 0 ? ` (Judged: ${format.as("seconds", part)} of ${format.as("seconds", view.wall_s)}.)` : "";
    }

    function verdict(view) {
        const node = by_id("verdict");
        const found = view.verdict;
        show(node, "text", found ? found.text + judged_part(view) : "");
        const group = found && view.groups[found.group];
        node.className = "verdict" + (group ? " stage-" + wiring_drawing.main_stage(group) : "");
    }

    const KEY = [
        ["works stage-N", "working; a thread: on a CPU"], ["waits stage-N", "waiting; a thread: for a CPU"],
        ["held", "a thread: blocked otherwise"], ["", "busy: all three"],
        ["", "percentages: of a request\u2019s time in stages and queues, of the clock for threads"],
    ];

    function key() {
        KEY.forEach(([cls, words]) => {
            const span = element(by_id("key"), "span");
            if (cls) {
                element(span, "i", cls);
            }
            span.append(words);
        });
    }

    /* Beside the bar of where the time goes; empty when there was no request. */
    function time_words(view) {
        const {waiting, working} = time_bar.sums(view);
        const {sojourn, total} = view.intervals;
        const whole = working !== null && sojourn.count > 0 ? sojourn : total;
        return working === null ? "" :
            `${format.as("share", working)} working, ${format.as("share", waiting)} waiting; ` +
            `${format.as("time", histograms.mean(whole))} on average of ${format.as("count", total.count)}`;
    }

    /* All tables; at most so many threads. */
    function lists(threads_most) {
        const make = (id, prefix, columns) => tables.make(by_id(id), prefix, columns);
        const intervals = make("intervals", "interval", tables.interval_columns);
        const queues = make("queues", "queue", tables.queue_columns);
        const loops = make("loops", "loop", tables.loop_columns);
        const threads = make("threads", "thread", tables.thread_columns);
        const closed = make("closed", "closed", tables.count_columns("closed because"));
        const statuses = make("statuses", "status", tables.count_columns("answers"));
        const counters = make("counters", "counter", tables.count_columns("counted"));
        return (view) => {
            intervals.rows(tables.interval_rows(view));
            queues.rows(tables.queue_rows(view));
            loops.rows(tables.loop_rows(view));
            threads.rows(tables.thread_rows(view, threads_most));
            closed.rows(tables.count_rows(view.close_reasons));
            statuses.rows(tables.count_rows(view.statuses));
            counters.rows(tables.count_rows(view.counters));
        };
    }

    function config(all) {
        show(by_id("config"), "text", JSON.stringify(all, null, 2));
    }

    return {title, figures, verdict, key, time_words, lists, config};
})();
