/* view.js: what a page shows, computed from two reports.
 *
 * A report (core/report/report_json.c) counts from the server's start. A reader who wants to know how it was
 * lately subtracts an earlier one: view(now, base) does, for every counter and for whole histograms,
 * so that the percentiles are those of the window and not of the server's life. Without a base the
 * window is everything.
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

    /* From JSON; typed arrays, because minutes of them are kept. */
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

    /* Walks two in order of value; `join` makes the new count. Buckets that become empty go. */
    function combine(a, b, sign) {
        const highs = [];
        const counts = [];
        let i = 0;
        let j = 0;
        while (i < a.highs.length || j < b.highs.length) {
            const high = Math.min(a.highs[i] ?? Infinity, b.highs[j] ?? Infinity);
            let count = 0;
            count += a.highs[i] === high ? a.counts[i++] : 0;
            count += b.highs[j] === high ? sign * b.counts[j++] : 0;
            if (count > 0) {
                highs.push(high);
                counts.push(count);
            }
        }
        return {highs, counts};
    }

    /* What came to `now` since `base`. The largest value of a window is not known, only its bucket. */
    function since(now, base) {
        if (!base || base.count === 0) {
            return now;
        }
        const {highs, counts} = combine(now, base, -1);
        const top = highs.length > 0 ? highs[highs.length - 1] : 0;
        return {count: now.count - base.count, sum: now.sum - base.sum, max: Math.min(top, now.max), highs, counts};
    }

    function merge(all) {
        return all.reduce((a, b) => ({
            count: a.count + b.count, sum: a.sum + b.sum, max: Math.max(a.max, b.max), ...combine(a, b, 1),
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

    return {pack, since, merge, percentile, mean, EMPTY};
})();

/* --- a report, ready to be subtracted --- */

const QUEUE_HISTOGRAMS = ["wait_ns", "wakeup_ns", "batch", "cpu_wait_ns", "sampled_wait_ns"];

/* at_ns: a clock that goes on over the server's life. The text is kept for whoever checks a page. */
function snapshot(report, at_ns, text) {
    const intervals = {};
    for (const [name, json] of Object.entries(report.intervals_ns)) {
        intervals[name] = histograms.pack(json);
    }
    const queues = report.queues.map((queue) => {
        const packed = {...queue};
        QUEUE_HISTOGRAMS.forEach((key) => (packed[key] = histograms.pack(queue[key])));
        return packed;
    });
    return {...report, intervals, queues, at_ns, text};
}

const SERVER_COUNTS = ["wall_ns", "busy_ns", "turns"];
const KERNEL_COUNTS = ["cpu_ns", "runqueue_ns", "voluntary", "involuntary"];

/* The same rules as in core/report/report_since.c. */
const view = (() => {
    const grown = (now, base, key) => Math.max(0, now[key] - ((base && base[key]) || 0));

    /* By name, because on-demand threads come and go. The server counts over all threads that stood in
     * a place, the kernel counts each one from zero: where its figures fell, another thread has come. */
    function thread(now, base) {
        const same = base && now.cpu_ns >= base.cpu_ns ? base : null;
        const diff = {name: now.name, group: now.group, idle: now.idle};
        SERVER_COUNTS.forEach((key) => (diff[key] = grown(now, base, key)));
        KERNEL_COUNTS.forEach((key) => (diff[key] = grown(now, same, key)));
        const wall = Math.max(1, diff.wall_ns);
        diff.busy = Math.min(1, diff.busy_ns / wall);
        diff.cpu = Math.min(1, diff.cpu_ns / wall);
        diff.runqueue = Math.min(1, diff.runqueue_ns / wall);
        return diff;
    }

    function queue(now, base) {
        const diff = {...now};
        ["put", "refused", "rung", "elided"].forEach((key) => (diff[key] = grown(now, base, key)));
        QUEUE_HISTOGRAMS.forEach((key) => (diff[key] = histograms.since(now[key], base && base[key])));
        return diff;
    }

    /* All queues of a group as one: each thread of a group of loops has its own. */
    function pool(queues) {
        const sum = (key) => queues.reduce((n, q) => n + (q[key] || 0), 0);
        const all = {count: queues.length, depth_max: Math.max(0, ...queues.map((q) => q.depth_max))};
        ["depth", "bound", "put", "refused", "rung", "elided"].forEach((key) => (all[key] = sum(key)));
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

    function counts(now, base) {
        const diff = {};
        Object.keys(now).forEach((key) => (diff[key] = grown(now, base, key)));
        return diff;
    }

    /* The parts, as shares of the mean request; waits with the part in which the thread that
     * should have gone on was itself waiting for a CPU, work with the part spent on the client. */
    function parts(intervals, groups, ways) {
        const total = PARTS.reduce((n, part) => n + intervals[part.name].sum, 0);
        return PARTS.map((part) => {
            const h = intervals[part.name];
            const blocked = intervals[part.name + ".blocked"];
            const way = part.waits && ways.find((one) => one.kind === part.way && one.from !== one.to);
            const taker = way ? groups[way.to] : null;
            const sampled = taker && taker.queue && taker.queue.sampled_wait_ns;
            return {
                ...part,
                mean: histograms.mean(h), share: total > 0 ? h.sum / total : 0,
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

    function make(now, base) {
        const by_name = (list) => new Map((list || []).map((item) => [item.name, item]));
        const old_threads = by_name(base && base.threads);
        const old_queues = by_name(base && base.queues);
        const threads = now.threads.map((t) => thread(t, old_threads.get(t.name)));
        const queues = now.queues.map((q) => queue(q, old_queues.get(q.name)));
        const groups = now.groups.map((g, i, all) => group(g, i, all, threads, queues));
        const intervals = {};
        Object.keys(now.intervals).forEach((name) => {
            intervals[name] = histograms.since(now.intervals[name], base && base.intervals[name]);
        });
        const ways = now.ways || [];
        const counters = counts(now.counters, base && base.counters);
        const seconds = Math.max(1e-3, (now.at_ns - (base ? base.at_ns : now.at_ns - now.wall_ns)) / 1e9);
        return {
            seconds, whole: !base, groups, ways, threads, queues, intervals, counters,
            accept: queues.find((q) => q.accept) || null,
            close_reasons: counts(now.close_reasons, base && base.close_reasons),
            statuses: counts(now.statuses, base && base.statuses),
            connections: now.connections, threads_unused: now.threads_unused,
            verdict: now.verdict || null,
            measured: Object.keys(intervals).length > 0,
            parts: Object.keys(intervals).length > 0 ? parts(intervals, groups, ways) : [],
            in_flight: in_flight(now.flow),
            cpus: threads.reduce((n, t) => n + t.cpu_ns, 0) / (seconds * 1e9),
            rate: (key) => counters[key] / seconds,
        };
    }

    return {make};
})();
