/* tables.js: the tables of a page. A column says what its number is, so that all cells are made in one
 * way and carry their key and their value.
 */
"use strict";

const tables = (() => {
    /* columns: [{head, key, kind, get(row)}], the first one the row's name. rows(list of {id, stage?,
     * inside?, ...}) makes rows where there are new ones and brings all up to date. */
    function make(host, prefix, columns) {
        const table = element(element(host, "div", "scroll"), "table");
        const head = element(element(table, "thead"), "tr");
        columns.forEach((column) => element(head, "th", "", column.head));
        const body = element(table, "tbody");
        let made = "";
        let cells = [];

        function build(list) {
            body.replaceChildren();
            cells = list.map((row) => {
                const tr = element(body, "tr", row.inside ? "inside" : "");
                return columns.map((column, i) => {
                    const td = element(tr, "td");
                    if (i === 0) {
                        if (row.stage) {
                            element(td, "span", "chip stage-" + row.stage);
                        }
                        td.append(column.get(row));
                        return null;
                    }
                    td.dataset.key = `${prefix}.${row.id}.${column.key}`;
                    return td;
                });
            });
        }

        return {
            rows(list) {
                const wanted = list.map((row) => row.id).join("\n");
                if (wanted !== made) {
                    build(list);
                    made = wanted;
                }
                list.forEach((row, r) => columns.forEach((column, c) => {
                    if (c > 0) {
                        const value = column.get(row);
                        show(cells[r][c], column.kind, value);
                        cells[r][c].classList.toggle("zero", value === 0 || value === null);
                    }
                }));
            },
        };
    }

    /* --- the tables both pages have --- */

    const percentile = (q) => (row) => histograms.percentile(row.h, q);
    const interval_columns = [
        {head: "interval", get: (row) => row.id},
        {head: "count", key: "count", kind: "count", get: (row) => row.h.count},
        {head: "mean", key: "mean", kind: "time", get: (row) => histograms.mean(row.h)},
        {head: "p50", key: "p50", kind: "time", get: percentile(0.5)},
        {head: "p90", key: "p90", kind: "time", get: percentile(0.9)},
        {head: "p99", key: "p99", kind: "time", get: percentile(0.99)},
        {head: "p99.9", key: "p999", kind: "time", get: percentile(0.999)},
        {head: "max", key: "max", kind: "time", get: (row) => (row.h.count > 0 ? row.h.max : null)},
        {head: "share", key: "share", kind: "share", get: (row) => row.share},
    ];

    function interval_rows(view) {
        const total = view.intervals.total ? view.intervals.total.sum : 0;
        return Object.entries(view.intervals).map(([id, h]) => {
            const part = PARTS.find((p) => p.name === id);
            return {id, h, stage: part && part.stage, inside: !part && id !== "total" && id !== "sojourn",
                    share: part && !part.before && total > 0 ? h.sum / total : null};
        });
    }

    const queue_columns = [
        {head: "queue", get: (row) => row.id},
        {head: "depth", key: "depth", kind: "count", get: (row) => row.q.depth},
        {head: "peak", key: "depth_max", kind: "count", get: (row) => row.q.depth_max},
        {head: "bound", key: "bound", kind: "count", get: (row) => row.q.bound},
        {head: "put", key: "put", kind: "count", get: (row) => row.q.put},
        {head: "refused", key: "refused", kind: "count", get: (row) => row.q.refused},
        {head: "wait p50", key: "wait_p50", kind: "time", get: (row) => histograms.percentile(row.q.wait_ns, 0.5)},
        {head: "wait p99", key: "wait_p99", kind: "time", get: (row) => histograms.percentile(row.q.wait_ns, 0.99)},
        {head: "for a CPU", key: "for_cpu", kind: "share", get: (row) => (row.q.sampled_wait_ns.sum > 0
            ? row.q.cpu_wait_ns.sum / row.q.sampled_wait_ns.sum : null)},
        {head: "inlined", key: "inlined", kind: "count", get: (row) => row.q.inlined},
        {head: "rung", key: "rung", kind: "count", get: (row) => row.q.rung},
        {head: "elided", key: "elided", kind: "count", get: (row) => row.q.elided},
        {head: "wakeup p50", key: "wakeup_p50", kind: "time", get: (row) => histograms.percentile(row.q.wakeup_ns, 0.5)},
        {head: "batch", key: "batch", kind: "amount", get: (row) => histograms.mean(row.q.batch)},
    ];

    const colour_of = (view, item) =>
        (view.groups[item.group] ? wiring_drawing.main_stage(view.groups[item.group]) : null);

    function queue_rows(view) {
        return view.queues.map((q) => ({id: q.name, q, stage: colour_of(view, q)}));
    }

    const loop_columns = [
        {head: "loop", get: (row) => row.id},
        {head: "rounds", key: "count", kind: "count", get: (row) => row.l.round_ns.count},
        {head: "mean", key: "mean", kind: "time", get: (row) => histograms.mean(row.l.round_ns)},
        {head: "p50", key: "p50", kind: "time", get: (row) => histograms.percentile(row.l.round_ns, 0.5)},
        {head: "p99", key: "p99", kind: "time", get: (row) => histograms.percentile(row.l.round_ns, 0.99)},
        {head: "max", key: "max", kind: "time", get: (row) => (row.l.round_ns.count > 0 ? row.l.round_ns.max : null)},
        {head: "events a round", key: "events", kind: "amount", get: (row) => histograms.mean(row.l.events)},
        {head: "p99", key: "events_p99", kind: "count", get: (row) => histograms.percentile(row.l.events, 0.99)},
    ];

    function loop_rows(view) {
        return view.loops.map((l) => ({id: l.name, l, stage: colour_of(view, l)}));
    }

    const thread_columns = [
        {head: "thread", get: (row) => row.id},
        {head: "busy", key: "busy", kind: "share", get: (row) => row.t.busy},
        {head: "on a CPU", key: "cpu", kind: "share", get: (row) => row.t.cpu},
        {head: "waiting for a CPU", key: "runqueue", kind: "share", get: (row) => row.t.runqueue},
        {head: "CPU time", key: "cpu_ns", kind: "time", get: (row) => row.t.cpu_ns},
        {head: "voluntary switches", key: "voluntary", kind: "count", get: (row) => row.t.voluntary},
        {head: "involuntary", key: "involuntary", kind: "count", get: (row) => row.t.involuntary},
        {head: "turns", key: "turns", kind: "count", get: (row) => row.t.turns},
    ];

    /* The busiest, where there are very many. */
    function thread_rows(view, most) {
        const shown = view.threads.length <= most
            ? view.threads : [...view.threads].sort((a, b) => b.busy_ns - a.busy_ns).slice(0, most);
        return shown.map((t) => ({id: t.name, t, stage: colour_of(view, t)}));
    }

    /* A name in capitals, as the server's lists have it, in words. */
    const words = (name) => name.toLowerCase().replaceAll("_", " ");

    function count_columns(head) {
        return [{head, get: (row) => row.name},
                {head: "count", key: "count", kind: "count", get: (row) => row.n}];
    }

    /* Those that are not zero; all of them say so where none is left. */
    function count_rows(counts) {
        return Object.entries(counts).filter(([, n]) => n !== 0)
            .map(([id, n]) => ({id, name: words(id), n}));
    }

    return {
        make, interval_columns, interval_rows, queue_columns, queue_rows, loop_columns, loop_rows, thread_columns, thread_rows,
        count_columns, count_rows,
    };
})();
