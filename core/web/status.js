/* status.js: the live page. Asks for the JSON once a second: with what happened in the last second, for
 * the charts, and in the window that is chosen, for all else. The server makes both windows, so a page
 * that is opened again and quartet-trace --live have the same. The text that was shown last is in
 * window.quartet for whoever checks the numbers.
 */
"use strict";

(() => {
    const EVERY_MS = 1000;
    const PATIENCE_MS = 4000;
    const KEPT_S = 300;
    const WINDOWS = [["10 s", 10], ["1 min", 60], ["5 min", KEPT_S], ["since start", 0]];
    const THREADS_SHOWN = 32;
    const by_id = (id) => document.getElementById(id);

    let chosen = 10;
    let shown = null;      /* the view that is drawn */
    let hurry = false;     /* another window was chosen */
    let timer = 0;         /* of the next round; 0: it is under way */
    const points = [];     /* for the charts: one a second, null where there was no answer */

    /* --- the head --- */

    function live(cls, words) {
        by_id("live").className = "live " + cls;
        show(by_id("live-text"), "text", words);
    }

    function head(doc) {
        page.title(doc.config);
        const s = doc.server;
        const of = s.processes > 1 ? `, process ${s.process} of ${s.processes}` : "";
        const up = format.duration(s.uptime_ns / 1e9);
        live(s.phase === "running" ? "" : "draining",
            s.phase === "running" ? `live, up ${up}${of}` : `draining, up ${up}${of}`);
        show(by_id("foot"), "text", `quartet ${s.version}, pid ${s.pid}, policies ${doc.config.policies}`);
    }

    function make_choices() {
        const buttons = WINDOWS.map(([words, seconds]) => {
            const button = element(by_id("choices"), "button", "", words);
            button.type = "button";
            button.addEventListener("click", () => {
                chosen = seconds;
                press();
                hurry = true;
                if (timer !== 0) {
                    clearTimeout(timer);
                    round();
                }
            });
            return [button, seconds];
        });
        const press = () => buttons.forEach(([button, seconds]) =>
            button.setAttribute("aria-pressed", String(seconds === chosen)));
        press();
    }

    /* --- the charts: points are made when they come, each of its own second --- */

    const PLOTTED = [...PARTS, {name: "total", stage: "N"}];
    const latency = [];
    let load = [];
    let load_for = "";
    let now_s = 0;
    const scale = [1e3, 1e6]; /* of latency, shared: [low, high] in ns, powers of ten */

    /* A young page shows a minute, then two, then all that is kept. */
    function span_s() {
        const age = points.length > 0 ? now_s - points[0].at : 0;
        return [60, 120, KEPT_S].find((seconds) => age <= seconds) || KEPT_S;
    }

    const ago = (seconds) => (seconds === 0 ? "now" : span_s() > 60
        ? `\u2212${seconds / 60}${format.GAP}min` : `\u2212${seconds}${format.GAP}s`);
    const steps = () => {
        const span = span_s();
        const step = span > 60 ? 60 : 20;
        return Array.from({length: span / step + 1}, (_, i) => span - i * step);
    };
    const time_axis = {
        x_range: () => [now_s - span_s(), now_s],
        x_splits: () => steps().map((seconds) => now_s - seconds),
        x_values: () => steps().map(ago),
    };

    function make_latency() {
        PLOTTED.forEach((part) => latency.push(charts.lines(by_id("latency"), {
            ...time_axis, title: part.name, kind: "time", log: true, band: [2, 1], range: () => scale,
            lines: [{label: "p50", colour: part.stage}, {label: "p99", colour: part.stage, thin: true}],
        })));
    }

    const from_zero = (least) => (u, low, high) => [0, Math.max(least, (high || 0) * 1.1)];

    /* They depend on the wiring: a line for each group. */
    function make_load(view) {
        const wanted = view.groups.map((g) => g.letters).join("|");
        if (wanted === load_for) {
            return;
        }
        load_for = wanted;
        load.forEach((chart) => chart.remove());
        const runs = view.groups.filter((g) => !g.in_turn);
        const line = (g) => ({label: g.letters, colour: wiring_drawing.main_stage(g)});
        const queues = view.groups.filter((g) => g.queue !== null);
        const make = (spec, keys) => ({...charts.lines(by_id("load"), {...time_axis, ...spec}), keys});
        load = [
            make({title: "requests a second", kind: "amount", range: from_zero(10),
                  lines: [{label: "now", colour: "N", fill: true}]}, ["rate"]),
            make({title: "threads busy", kind: "share", range: () => [0, 1], lines: runs.map(line)},
                runs.map((g) => "busy" + g.index)),
            make({title: "in the queues", kind: "amount", range: from_zero(5), lines: queues.map(line)},
                queues.map((g) => "depth" + g.index)),
        ];
    }

    function point(view) {
        const one = {rate: view.rate("REQUESTS")};
        PLOTTED.forEach((part) => {
            const h = view.intervals[part.name];
            one[part.name] = h ? [histograms.percentile(h, 0.5), histograms.percentile(h, 0.99)] : [null, null];
        });
        view.groups.forEach((g) => {
            one["busy" + g.index] = g.busy;
            one["depth" + g.index] = g.queue ? g.queue.depth : null;
        });
        return one;
    }

    function add_point(one) {
        points.push({at: now_s, ...one});
        while (points.length > 0 && points[0].at < now_s - KEPT_S - 2) {
            points.shift();
        }
    }

    /* A scale of powers of ten that holds all lines; differences below 100 ns mean nothing. */
    function set_scale() {
        let [low, high] = [Infinity, 0];
        points.forEach((one) => PLOTTED.forEach((part) => (one[part.name] || []).forEach((v) => {
            if (v !== null) {
                low = Math.min(low, Math.max(100, v));
                high = Math.max(high, v);
            }
        })));
        scale[0] = Number.isFinite(low) ? 10 ** Math.floor(Math.log10(low)) : 1e3;
        scale[1] = Math.max(10 * scale[0], high > 0 ? 10 ** Math.ceil(Math.log10(high)) : 1e6);
    }

    function draw_charts() {
        set_scale();
        const xs = points.map((one) => one.at);
        const floor = (v) => (v === null || v === undefined ? null : Math.max(scale[0], v));
        PLOTTED.forEach((part, i) => {
            const lines = [0, 1].map((j) => points.map((one) => one[part.name] && one[part.name][j]));
            latency[i].set([xs, ...lines.map((line) => line.map(floor))], [xs, ...lines]);
        });
        load.forEach((chart) => chart.set([xs, ...chart.keys.map((key) => points.map((one) => one[key] ?? null))]));
    }

    /* --- the rest --- */

    const figures = page.figures();
    const drawing = wiring.on(by_id("wiring"));
    const bar = time_bar.on(by_id("time"));
    const lists = page.lists(THREADS_SHOWN);

    function asides(view) {
        const span = view.whole ? "since the server started" : `of the last ${format.duration(view.seconds)}`;
        show(by_id("window"), "text", span);
        document.querySelectorAll("[data-window]").forEach((node) => show(node, "text", span));
        const hidden = view.threads.length - Math.min(view.threads.length, THREADS_SHOWN);
        show(by_id("threads-aside"), "text", span + (hidden > 0 ? `; the ${THREADS_SHOWN} busiest, ${format.as("count", hidden)} more` : "") +
            (view.threads_unused > 0 ? `; ${format.as("count", view.threads_unused)} have had nothing to do` : ""));
        show(by_id("time-aside"), "text", view.measured
            ? page.time_words(view) || "no request " + span.replace("of", "in") : "not measured (--trace-level)");
    }

    function draw() {
        if (shown === null) {
            return;
        }
        figures(shown);
        page.verdict(shown);
        drawing.update(shown);
        bar.update(shown);
        lists(shown);
        asides(shown);
    }

    /* What is in flight now is known from all that has passed. */
    function view_of(doc, index) {
        const {report, verdict} = doc.windows[index];
        return view.make({...report, verdict, flow: doc.report.flow}, report.wall_ns === doc.report.wall_ns);
    }

    function take(text) {
        const doc = JSON.parse(text);
        const second = view_of(doc, 0);
        shown = view_of(doc, 1);
        by_id("main").classList.remove("hidden");
        head(doc);
        page.config({config: doc.config, environment: doc.environment, build: doc.build});
        now_s = performance.now() / 1000;
        make_load(second);
        add_point(second.whole ? {} : point(second));
        draw();
        draw_charts();
        window.quartet = {last: text, seconds: doc.windows[1].seconds, drawn: (window.quartet ? window.quartet.drawn : 0) + 1};
    }

    async function ask() {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
        try {
            const answer = await fetch(`?json&seconds=1,${chosen}`, {cache: "no-store", signal: stop.signal});
            if (!answer.ok) {
                throw new Error(`status ${answer.status}`);
            }
            return await answer.text();
        } finally {
            clearTimeout(timer);
        }
    }

    async function round() {
        const began = performance.now();
        let text = null;
        timer = 0;
        hurry = false;
        try {
            text = await ask();
        } catch {
            live("gone", "server gone, trying again\u2026");
            now_s = performance.now() / 1000;
            add_point({});
        }
        if (text !== null) {
            take(text);
        }
        timer = setTimeout(round, hurry ? 0 : Math.max(50, EVERY_MS - (performance.now() - began)));
    }

    make_choices();
    page.key();
    make_latency();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        [...latency, ...load].forEach((chart) => chart.restyle());
        draw_charts();
    });
    new ResizeObserver(() => draw()).observe(by_id("wiring"));
    round();
})();
