/* report.js: the page of a trace. Its figures are in the page, as quartet-trace --json prints them, and
 * beside them the run over time (timeline.h) and the slowest requests. What the live page shows of
 * this moment is here the mean over the run, from the first request to the last.
 */
"use strict";

(() => {
    const THREADS_SHOWN = 64;
    const SHORTEST_NS = 100; /* differences below it mean nothing */
    const by_id = (id) => document.getElementById(id);
    const data = JSON.parse(by_id("data").textContent);
    const summary = data.summary;
    const timeline = data.timeline;

    /* --- the view of the whole run --- */

    /* Numbers of a moment are means here: by the samples, or by Little's law where there are none. */
    function averages(view) {
        const all = timeline.all;
        const queue = (letters) => timeline.labels.indexOf(letters);
        const mean_number = (name) => view.intervals[name].sum / (view.seconds * 1e9);
        view.averages = true;
        view.wall_s = data.report.wall_ns / 1e9;
        view.in_flight = {process: mean_number("process"), all: all.in_flight ?? mean_number("total")};
        view.connections = all.connections ?? null;
        view.groups.filter((g) => g.queue).forEach((g) => {
            g.queue.depth = all.depth ? all.depth[queue(g.letters)] ?? null : null;
        });
        if (view.accept) {
            view.accept = {...view.accept, depth: all.depth ? all.depth[queue("accept")] ?? null : null};
        }
        return view;
    }

    function make_view() {
        const duration = summary.duration_ns || data.report.wall_ns;
        const threads = data.report.threads.map((t) => ({...t, wall_ns: Math.min(t.wall_ns, duration)}));
        const report = {...data.report, threads, verdict: data.verdict};
        const made = view.make(report, true);
        made.seconds = summary.duration_ns > 0 ? summary.duration_ns / 1e9 : made.seconds;
        made.rate = (key) => made.counters[key] / made.seconds;
        made.cpus = made.threads.reduce((n, t) => n + t.cpu_ns, 0) / (made.seconds * 1e9);
        return averages(made);
    }

    /* --- what must be known first --- */

    function alarm(strong, words) {
        const node = element(by_id("alarms"), "p", "alarm");
        node.setAttribute("role", "alert");
        element(node, "b", "", strong);
        node.append(" " + words);
        return node;
    }

    function alarms() {
        if (summary.records_lost > 0) {
            const node = alarm("Records lost.", "");
            const count = element(node, "span");
            count.dataset.key = "summary.records_lost";
            show(count, "count", summary.records_lost);
            node.append(" requests are in no distribution, no journey and no line of this page; the tables of counters have them.");
        }
        if (!summary.complete) {
            alarm("Not whole.", "The trace was cut short or damaged: this is what could be read of it.");
        }
        data.checks.filter((check) => check.outcome === "failed").forEach((check) => alarm(`${check.name}:`, check.text));
    }

    /* --- distributions --- */

    const PLOTTED = [...PARTS, {name: "total", stage: "N"}];

    /* Shares at or below a time, at times that are spread evenly on a scale of powers. */
    function cumulate(h, times) {
        let seen = 0;
        let i = 0;
        return times.map((time) => {
            while (i < h.highs.length && h.highs[i] <= time) {
                seen += h.counts[i++];
            }
            return h.count > 0 ? seen / h.count : null;
        });
    }

    function distributions(made) {
        const used = PLOTTED.filter((part) => made.intervals[part.name].count > 0);
        const highs = used.flatMap((part) => [...made.intervals[part.name].highs].filter((high) => high > 0));
        if (highs.length === 0) {
            return [];
        }
        const low = 10 ** Math.floor(Math.log10(Math.max(100, Math.min(...highs))));
        const high = Math.max(10 * low, 10 ** Math.ceil(Math.log10(Math.max(...highs))));
        const steps = 320;
        const times = Array.from({length: steps + 1}, (_, i) => low * (high / low) ** (i / steps));
        const shares = used.map((part) => cumulate(made.intervals[part.name], times));
        const common = {
            x_log: true, x_range: () => [low, high], x_splits: (u) => charts.decades(u.scales.x, u.width < 420 ? 4 : 8),
            x_values: (u, splits) => splits.map((v) => charts.tick("time", v)), x_kind: "time", height: 250, apart: true,
            whole: used.map(() => ""),
            lines: used.map((part) => ({label: part.name, colour: part.stage, thin: part.waits || part.name === "total", dash: part.waits})),
        };
        const cdf = charts.lines(by_id("distribution"), {...common, title: "share of requests within a time", kind: "share", range: () => [0, 1]});
        cdf.set([times, ...shares]);
        const least = 10 ** -Math.max(2, Math.ceil(Math.log10(Math.max(1, summary.requests))));
        const tail = charts.lines(by_id("distribution"), {...common, title: "share that took longer", kind: "tail", log: true, range: () => [least, 1]});
        tail.set([times, ...shares.map((list) => list.map((share) => (share === null || share >= 1 ? null : 1 - share)))]);
        return [cdf, tail];
    }

    /* --- over time --- */

    const width_s = timeline.width_ns / 1e9;
    const starts = timeline.columns.map((_, i) => i * width_s);
    const middles = starts.map((start) => start + width_s / 2);
    const end_s = Math.max(width_s, timeline.columns.length * width_s);
    const time_axis = {
        x_range: () => [0, end_s], x_kind: "seconds",
        x_values: (u, splits) => splits.map((v) => charts.tick("seconds", v)),
    };

    const largest = (values) => values.reduce((a, b) => Math.max(a, b), 0);
    const mean = (values) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

    /* [[row, requests], ...] of a column. */
    const pairs = (flat) => flat.filter((_, i) => i % 2 === 0).map((row, i) => [row, flat[2 * i + 1]]);

    /* About: the middle of the row in which that share of the column's requests ends. */
    function row_percentile(flat, share) {
        const rows = pairs(flat);
        const total = rows.reduce((n, [, count]) => n + count, 0);
        let seen = 0;
        for (const [row, count] of rows) {
            seen += count;
            if (seen >= share * total) {
                return Math.max(SHORTEST_NS, Math.sqrt(timeline.row_lows_ns[row] * row_high(row)));
            }
        }
        return null;
    }

    const row_high = (row) => timeline.row_lows_ns[row + 1] ?? timeline.row_lows_ns[row] * 1.25;

    /* The rows that are used by any interval, as powers of ten: one scale for all maps. */
    function heat_range() {
        const used = timeline.columns.flatMap((column) => column.heat.flatMap((flat) => pairs(flat).map(([row]) => row)));
        if (used.length === 0) {
            return [100, 1e6];
        }
        const low = used.reduce((a, b) => Math.min(a, b));
        const high = used.reduce((a, b) => Math.max(a, b));
        const least = Math.max(SHORTEST_NS, timeline.row_lows_ns[low]);
        return [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(row_high(high)))];
    }

    /* Cells as dark as they have requests, on a scale of powers: a single one can be seen. */
    function draw_heat(u, index, stage) {
        const cells = timeline.columns.map((column) => pairs(column.heat[index]));
        const most = Math.max(1, largest(cells.flat().map(([, count]) => count)));
        const {left, top, width, height} = u.bbox;
        const low = u.scales.y.min;
        u.ctx.save();
        u.ctx.beginPath();
        u.ctx.rect(left, top, width, height);
        u.ctx.clip();
        u.ctx.fillStyle = charts.colour(stage);
        cells.forEach((rows, i) => rows.forEach(([row, count]) => {
            const x = Math.floor(u.valToPos(starts[i], "x", true));
            const right = Math.ceil(u.valToPos(starts[i] + width_s, "x", true));
            const y = Math.floor(u.valToPos(Math.max(low * 1.25, row_high(row)), "y", true));
            const bottom = Math.ceil(u.valToPos(Math.max(low, timeline.row_lows_ns[row]), "y", true));
            u.ctx.globalAlpha = 0.1 + 0.8 * Math.log1p(count) / Math.log1p(most);
            u.ctx.fillRect(x, y, Math.max(1, right - x), Math.max(1, bottom - y));
        }));
        u.ctx.restore();
    }

    function heats(made) {
        const range = heat_range();
        show(by_id("heat-aside"), "text", `${format.as("seconds", width_s)} a column, one scale for all; lines: p50 and p99, about`);
        return timeline.heats.map((name, index) => {
            const part = PLOTTED.find((one) => one.name === name);
            const chart = charts.lines(by_id("heat"), {
                ...time_axis, title: name, kind: "time", log: true, range: () => range,
                below: (u) => draw_heat(u, index, part.stage),
                lines: [{label: "p50", colour: "ink", fine: true}, {label: "p99", colour: "ink", thin: true, dash: true}],
                height: 150, whole: [0.5, 0.99].map((share) => (made.measured ? histograms.percentile(made.intervals[name], share) : null)),
            });
            chart.set([middles, ...[0.5, 0.99].map((share) =>
                timeline.columns.map((column) => row_percentile(column.heat[index], share)))]);
            return chart;
        });
    }

    const from_zero = (least) => (u, low, high) => [0, Math.max(least, (high || 0) * 1.1)];

    function load(made) {
        const of = (label, key) => timeline.columns.map((c) => (c[key] ? c[key][timeline.labels.indexOf(label)] ?? null : null));
        const groups = made.groups.filter((g) => timeline.labels.includes(g.letters));
        const runs = groups.filter((g) => !g.in_turn);
        const queues = groups.filter((g) => g.queue !== null);
        const line = (g) => ({label: g.letters, colour: wiring_drawing.main_stage(g)});
        const make = (spec, columns) => {
            const over_run = (column) => (spec.most ? largest : mean)(
                column.slice(timeline.all_from, timeline.all_end).filter((value) => value !== null));
            const chart = charts.lines(by_id("load"), {...time_axis, ...spec, whole: columns.map(over_run)});
            chart.set([middles, ...columns]);
            return chart;
        };
        show(by_id("load-aside"), "text", timeline.sources > 0
            ? "means of samples taken every 20 ms" : "the trace has no samples of queues and threads");
        const rates = make({title: "requests a second", kind: "amount", range: from_zero(10),
                            lines: [{label: "ended", colour: "N", fill: true}]},
            [timeline.columns.map((c) => c.requests / width_s)]);
        if (timeline.sources === 0) {
            return [rates];
        }
        return [
            rates,
            make({title: "requests in flight", kind: "amount", range: from_zero(2), lines: [{label: "mean", colour: "N", fill: true}]},
                [timeline.columns.map((c) => c.in_flight ?? null)]),
            make({title: "connections", kind: "amount", range: from_zero(5), lines: [{label: "mean", colour: "N", fill: true}]},
                [timeline.columns.map((c) => c.connections ?? null)]),
            make({title: "threads awake", kind: "amount", range: from_zero(1), lines: runs.map(line)}, runs.map((g) => of(g.letters, "awake"))),
            make({title: "in the queues", kind: "amount", range: from_zero(2), lines: queues.map(line)}, queues.map((g) => of(g.letters, "depth"))),
            make({title: "in the queues, at most", most: true, kind: "amount", range: from_zero(5), lines: queues.map(line)},
                queues.map((g) => of(g.letters, "depth_max"))),
        ];
    }

    /* --- journeys --- */

    const THREAD = {read: "read", process: "process", write: "write"};
    const BLOCKED = {read: "read.blocked", write: "write.blocked"};

    /* [{class, stage, name, ns, thread}] of what took time; what was spent on the client apart. */
    function pieces(one) {
        const found = [];
        PARTS.forEach((part) => {
            const ns = Math.max(0, one.intervals_ns[part.name]);
            const blocked = BLOCKED[part.name] ? Math.min(ns, Math.max(0, one.intervals_ns[BLOCKED[part.name]])) : 0;
            found.push({name: part.name, stage: part.stage, cls: part.waits ? "waits" : "works", ns: ns - blocked,
                        thread: THREAD[part.name] ? one.threads[part.name] : ""});
            if (blocked > 0) {
                found.push({name: "client", stage: part.stage, cls: "waits-client", ns: blocked, thread: ""});
            }
        });
        return found.filter((piece) => piece.ns > 0);
    }

    /* From its arrival, where that is known. */
    const whole_ns = (one) => Math.max(one.intervals_ns.total, one.intervals_ns.sojourn);

    function journey(host, one, index, longest) {
        const total = one.intervals_ns.total;
        const whole = whole_ns(one);
        const item = element(host, "div", "journey");
        const head = element(item, "div", "journey-head");
        element(head, "b", "", `${one.method} ${one.status}`);
        element(head, "span", "aside", `request ${one.source}${one.request}, connection ${one.connection}, ` +
            `${format.as("size", one.bytes_sent)}, at ${format.as("seconds", one.at_ns / 1e9)}`);
        const sum = element(head, "span", "total");
        sum.dataset.key = `slowest.${index}.total`;
        show(sum, "time", total);
        const bar = element(element(item, "div", "journey-track"), "div", "journey-bar");
        bar.style.width = `${100 * whole / longest}%`;
        const parts = element(item, "div", "journey-parts");
        pieces(one).forEach((piece) => {
            const node = element(bar, "div", `piece stage-${piece.stage} ${piece.cls}`);
            node.style.flexGrow = piece.ns / whole;
            node.title = `${piece.name} ${format.as("time", piece.ns)}`;
            const words = element(parts, "span");
            element(words, "i", `stage-${piece.stage} ${piece.cls}`);
            words.append(`${piece.name} `);
            element(words, "b", "", format.as("time", piece.ns));
            words.append(piece.thread ? ` ${piece.thread}` : "");
        });
    }

    function journeys() {
        const longest = largest([1, ...data.slowest.map(whole_ns)]);
        data.slowest.forEach((one, i) => journey(by_id("journeys"), one, i, longest));
        if (data.slowest.length === 0) {
            element(by_id("journeys"), "p", "aside", "no request came to its end");
        }
    }

    /* --- the rest --- */

    function checks() {
        const table = element(element(by_id("checks"), "div", "scroll"), "table");
        const body = element(table, "tbody");
        data.checks.forEach((check) => {
            const row = element(body, "tr");
            element(row, "td", "", check.name);
            element(row, "td", check.outcome === "failed" ? "" : "zero", check.outcome);
            element(row, "td", "words", check.text);
        });
    }

    function head(made) {
        const config = data.run && data.run.config ? data.run.config : {model: null, wiring: ""};
        page.title(config);
        const first = data.sources.reduce((a, b) => (a.started_s <= b.started_s ? a : b));
        const when = first.started_s > 0 ? new Date(first.started_s * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC" : "";
        const of = data.sources.length > 1 ? `, ${data.sources.length} processes` : "";
        show(by_id("run"), "text", `trace of ${format.as("seconds", made.seconds)}${of}, ${when}`);
        show(by_id("foot"), "text", `made by quartet-trace ${data.version} from ${data.sources.map((s) => s.file).join(", ")}`);
        page.config({...data.run, files: data.sources});
    }

    function main() {
        const made = make_view();
        head(made);
        alarms();
        page.figures()(made);
        page.verdict(made);
        page.key();
        const drawing = wiring.on(by_id("wiring"));
        show(by_id("wiring-aside"), "text", "means from the first request to the last");
        new ResizeObserver(() => drawing.update(made)).observe(by_id("wiring"));
        drawing.update(made);
        time_bar.on(by_id("time")).update(made);
        show(by_id("time-aside"), "text", made.measured ? page.time_words(made) || "no request" : "not measured");
        const all = [...(made.measured ? distributions(made) : []), ...heats(made), ...load(made)];
        window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all.forEach((chart) => chart.restyle()));
        journeys();
        page.lists(THREADS_SHOWN)(made);
        const hidden = Math.max(0, made.threads.length - THREADS_SHOWN);
        show(by_id("threads-aside"), "text", [hidden > 0 ? `the ${THREADS_SHOWN} busiest, ${format.as("count", hidden)} more` : "",
            made.threads_unused > 0 ? `${format.as("count", made.threads_unused)} have had nothing to do` : ""].filter(Boolean).join("; "));
        checks();
        window.quartet = {view: made};
    }

    main();
})();
