/* view.js: what a page shows, computed from one report (core/report/report_json.c), which is of a window
 * or of all the time since the server's start. Where it is of a window the server has made the
 * difference (core/report/report_since.c), so that each page and tool shows the same.
 */
"use strict";

/* Of the time from a request's arrival to its answer's last byte; what is `before` is not in `total`. */
const PARTS = [
    {name: "socket.wait", stage: "R", waits: true, before: true},
    {name: "read", stage: "R", waits: false},
    {name: "process.wait", stage: "P", waits: true, way: "request"},
    {name: "process", stage: "P", waits: false},
    {name: "write.wait", stage: "W", waits: true, way: "answer"},
    {name: "write", stage: "W", waits: false},
];

const STAGES = {L: "listener", K: "poller", R: "reader", P: "processor", W: "writer"};

/* --- histograms: {count, sum, max, highs: highest value of each bucket, counts} --- */

const histograms = (() => {
    const EMPTY = {count: 0, sum: 0, max: 0, highs: new Float64Array(0), counts: new Float64Array(0)};

    /* From JSON. */
    function pack(json) {
        if (!json || !json.buckets) {
            return EMPTY;
        }
        const highs = new Float64Array(json.buckets.length);
        const counts = new Float64Array(json.buckets.length);
        json.buckets.forEach(([high, count], i) => {
            highs[i] = high;
            counts[i] = count;
        });
        return {count: json.count, sum: json.sum, max: json.max, highs, counts};
    }

    /* Walks two in order of value. */
    function combine(a, b) {
        const highs = [];
        const counts = [];
        let i = 0;
        let j = 0;
        while (i < a.highs.length || j < b.highs.length) {
            const high = Math.min(a.highs[i] ?? Infinity, b.highs[j] ?? Infinity);
            highs.push(high);
            counts.push((a.highs[i] === high ? a.counts[i++] : 0) + (b.highs[j] === high ? b.counts[j++] : 0));
        }
        return {highs, counts};
    }

    function merge(all) {
        return all.reduce((a, b) => ({
            count: a.count + b.count, sum: a.sum + b.sum, max: Math.max(a.max, b.max), ...combine(a, b),
        }), EMPTY);
    }

    /* As the server has it (core/base/histogram.c): the highest value of the bucket in which that share
     * of the records ends, never more than the maximum. */
    function percentile(h, share) {
        let total = 0;
        for (const count of h.counts) {
            total += count;
        }
        const wanted = Math.max(1, Math.ceil(share * total));
        let seen = 0;
        for (let i = 0; i < h.highs.length; i++) {
            seen += h.counts[i];
            if (seen >= wanted) {
                return Math.min(h.highs[i], h.max);
            }
        }
        return null;
    }

    const mean = (h) => (h.count > 0 ? h.sum / h.count : null);

    return {pack, merge, percentile, mean};
})();

const QUEUE_HISTOGRAMS = ["wait_ns", "wakeup_ns", "batch", "cpu_wait_ns", "sampled_wait_ns"];

const view = (() => {
    function thread(json) {
        const wall = Math.max(1, json.wall_ns);
        const share = (ns) => Math.min(1, ns / wall);
        return {...json, busy: share(json.busy_ns), cpu: share(json.cpu_ns), runqueue: share(json.runqueue_ns)};
    }

    function loop(json) {
        return {...json, round_ns: histograms.pack(json.round_ns), events: histograms.pack(json.events)};
    }

    function queue(json) {
        const packed = {...json};
        QUEUE_HISTOGRAMS.forEach((key) => (packed[key] = histograms.pack(json[key])));
        return packed;
    }

    /* All queues of a group as one: each thread of a group of loops has its own. */
    function pool(queues) {
        const sum = (key) => queues.reduce((n, q) => n + (q[key] || 0), 0);
        const all = {count: queues.length, depth_max: Math.max(0, ...queues.map((q) => q.depth_max))};
        ["depth", "bound", "put", "refused", "inlined", "rung", "elided"].forEach((key) => (all[key] = sum(key)));
        QUEUE_HISTOGRAMS.forEach((key) => (all[key] = histograms.merge(queues.map((q) => q[key]))));
        return all;
    }

    function group(json, index, all, threads, queues) {
        const mine = threads.filter((t) => t.group === index);
        const own = queues.filter((q) => q.group === index && !q.accept);
        const sum = (key) => mine.reduce((n, t) => n + t[key], 0);
        const share = (key) => (mine.length > 0 ? Math.min(1, sum(key) / Math.max(1, sum("wall_ns"))) : null);
        return {
            ...json, index,
            members: mine,
            next: all[index + 1] ? all[index + 1].letters : "",
            unused: json.in_turn ? 0 : Math.max(0, json.threads - mine.length),
            working: mine.filter((t) => !t.idle).length,
            busy: share("busy_ns"),
            queue: own.length > 0 ? pool(own) : null,
        };
    }

    /* The parts, as shares of the mean request: of means and not of sums, since the wait in the socket
     * may be that of a sample. Waits with the part in which the thread that should have gone on was
     * itself waiting for a CPU, work with the part spent on the client. */
    function parts(intervals, groups, ways) {
        const total = PARTS.reduce((n, part) => n + (histograms.mean(intervals[part.name]) || 0), 0);
        return PARTS.map((part) => {
            const h = intervals[part.name];
            const blocked = intervals[part.name + ".blocked"];
            const way = part.waits && ways.find((one) => one.kind === part.way && one.from !== one.to);
            const taker = way ? groups[way.to] : null;
            const sampled = taker && taker.queue && taker.queue.sampled_wait_ns;
            return {
                ...part,
                mean: histograms.mean(h), share: total > 0 ? (histograms.mean(h) || 0) / total : 0,
                for_cpu: h.sum > 0 && sampled && sampled.sum > 0 ? Math.min(1, taker.queue.cpu_wait_ns.sum / sampled.sum) : 0,
                for_client: blocked && h.sum > 0 ? Math.min(1, blocked.sum / h.sum) : 0,
            };
        });
    }

    /* Requests that are between two points now; what was abandoned had been begun only. The points
     * are counted one after the other, so a difference can be negative for a moment. */
    function in_flight(flow) {
        if (!flow) {
            return null;
        }
        return {
            process: Math.max(0, flow.started - flow.handed),
            all: Math.max(0, flow.begun - flow.ended - flow.abandoned),
        };
    }

    /* `whole`: it is of all the time since the server's start. */
    function make(report, whole) {
        const threads = report.threads.map(thread);
        const queues = report.queues.map(queue);
        const loops = (report.loops || []).map(loop);
        const groups = report.groups.map((g, i, all) => group(g, i, all, threads, queues));
        const intervals = {};
        Object.entries(report.intervals_ns).forEach(([name, json]) => (intervals[name] = histograms.pack(json)));
        const ways = report.ways || [];
        const measured = Object.keys(intervals).length > 0;
        const seconds = Math.max(1e-3, report.wall_ns / 1e9);
        return {
            seconds, whole, groups, ways, threads, loops, queues, intervals, measured,
            counters: report.counters, close_reasons: report.close_reasons, statuses: report.statuses,
            accept: queues.find((q) => q.accept) || null,
            connections: report.connections, threads_unused: report.threads_unused,
            verdict: report.verdict || null,
            parts: measured ? parts(intervals, groups, ways) : [],
            in_flight: in_flight(report.flow),
            cpus: threads.reduce((n, t) => n + t.cpu_ns, 0) / (seconds * 1e9),
            rate: (key) => report.counters[key] / seconds,
        };
    }

    return {make};
})();
