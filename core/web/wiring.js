/* wiring.js: the drawing of a running wiring, made from what a report says of its groups.
 *
 * A box is a group of threads, with the stages that share them; a pipe is the queue in front of a
 * group; the bar marked "clients" is the network. Left to right (top to bottom where there is little
 * width) is the way of a new connection. Solid is work, hatched is waiting, and a bar shows the share
 * of a request's time that is spent there. A part of the drawing is a function that makes its
 * elements once and returns what brings them up to date, so that nothing flickers.
 */
"use strict";

/* --- small things that every drawing needs --- */

const svg = (() => {
    const SPACE = "http://www.w3.org/2000/svg";

    function add(parent, name, attributes, text) {
        const node = document.createElementNS(SPACE, name);
        Object.entries(attributes || {}).forEach(([key, value]) => node.setAttribute(key, value));
        if (text !== undefined) {
            node.textContent = text;
        }
        parent.appendChild(node);
        return node;
    }

    /* Hatching in a stage's colour: a pattern takes its colours from where it stands itself. */
    function hatches(parent, prefix) {
        const defs = add(parent, "defs");
        ["L", "K", "R", "P", "W", "N"].forEach((letter) => {
            const pattern = add(defs, "pattern", {
                id: prefix + letter, class: "stage-" + letter, width: 5, height: 5,
                patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
            });
            add(pattern, "rect", {width: 5, height: 5, class: "hatch-back"});
            add(pattern, "rect", {width: 2.4, height: 5, class: "hatch-line"});
        });
    }

    return {add, hatches};
})();

/* A number on the page: what is shown, and beside it what it was made from, for tests and for copying. */
function show(node, kind, value) {
    const text = format.as(kind, value);
    if (node.textContent !== text) {
        node.textContent = text;
    }
    node.dataset.value = value ?? "";
}

const wiring_drawing = (() => {
    const CELL_LEAST = 100; /* a stage within a box */
    const CELL_HEIGHT = 100;
    const CELL_SHORT = 72; /* of one with little to say, where boxes stand one below the other */
    const CELL_GAP = 16;   /* room for the arrow of a direct call */
    const PAD = 8;
    const HEAD = 28;       /* the line above the stages */
    const ROW = 15;
    const TUBE = 24;
    const GUTTER_IN = 14;  /* from the box before to a pipe */
    const GUTTER_OUT = 10; /* from a pipe to its box */
    const LANE = 24;       /* between ways back */
    const SLOTS = 8;       /* items of a queue that are drawn one by one */
    /* The ways that are drawn, of those that the report lists (stages/engine/ways.def): what every request
     * takes, and a write that would block. The others go beside them and would only be in the way. */
    const WAYS = {new: "new", readable: "readable", request: "requests", answer: "answers",
                  blocked: "would block", kept: "kept alive"};

    const upper = (group) => [...group.letters.toUpperCase()];
    /* The stage whose colour stands for a group: where most of the work is. */
    const main_stage = (group) => "PRWKL".split("").find((letter) => upper(group).includes(letter));

    /* --- text --- */

    function text(parent, x, y, content, cls) {
        return svg.add(parent, "text", {x, y, class: cls || ""}, content);
    }

    /* "p50      15.4 us": a word at the left, its number at the right. */
    function row(parent, x, y, width, label, key, kind, get) {
        text(parent, x, y, label, "label");
        const value = text(parent, x + width, y, "", "value end");
        value.dataset.key = key;
        return (view) => show(value, kind, get(view));
    }

    /* A bar as long as a share of the request's time, and the share. */
    function share_row(parent, x, y, width, letter, waits, part) {
        const room = width - 38;
        svg.add(parent, "rect", {x, y: y - 8, width: room, height: 6, rx: 3, class: "track"});
        const bar = svg.add(parent, "rect", {
            x, y: y - 8, width: 0, height: 6, rx: 3,
            ...(waits ? {fill: `url(#wait-${letter})`} : {class: "share stage-" + letter}),
        });
        const value = text(parent, x + width, y - 1, "", "value end");
        value.dataset.key = "share." + part;
        return (view) => {
            const found = view.parts.find((p) => p.name === part);
            const share = found && found.mean !== null ? found.share : null;
            bar.setAttribute("width", Math.max(0, room * share));
            show(value, "share", share);
            value.classList.toggle("hot", share > 0 && share === Math.max(...view.parts.map((p) => p.share)));
        };
    }

    const interval = (name, q) => (view) =>
        (view.intervals[name] ? histograms.percentile(view.intervals[name], q) : null);
    const interval_rows = (name) => [
        ["p50", `drawn.${name}.p50`, "time", interval(name, 0.5)],
        ["p99", `drawn.${name}.p99`, "time", interval(name, 0.99)],
    ];

    /* --- a stage --- */

    const STAGE_ROWS = {
        L: [["accepts/s", "rate.ACCEPTED", "amount", (v) => v.rate("ACCEPTED")],
            ["open", "connections", "amount", (v) => v.connections]],
        K: [["idle", "idle", "amount", (v) => v.in_flight && Math.max(0, v.connections - v.in_flight.all)]],
        R: [...interval_rows("read"), ["req/s", "rate.REQUESTS", "amount", (v) => v.rate("REQUESTS")]],
        P: [...interval_rows("process"),
            ["at work", "flow.process", "amount", (v) => v.in_flight && v.in_flight.process]],
        W: [...interval_rows("write"), ["sent/s", "rate.BYTES_SENT", "size", (v) => v.rate("BYTES_SENT")]],
    };
    const STAGE_PART = {R: "read", P: "process", W: "write"};

    /* Where another group has the small letter of this stage, the figures there are of both. What is left for the
     * capital letter: what p hands on; and what would block w, with the answers of handlers that w is not beside. */
    function beside_small(groups, written) {
        const small = written.toLowerCase();
        if (written === small || !groups.some((group) => group.letters.includes(small))) {
            return null;
        }
        const figures = `figures: at ${small}`;
        if (written !== "W") {
            return [`what ${small} hands on`, figures];
        }
        const handlers = groups.filter((group) => upper(group).includes("P"));
        const all = handlers.every((group) => group.letters.includes("w"));
        return [...(all ? [] : ["what P hands on"]), "what would block", figures];
    }

    /* `words`: of beside_small, instead of figures. */
    function stage(parent, x, y, width, height, written, words) {
        const letter = written.toUpperCase();
        const g = svg.add(parent, "g", {class: "stage stage-" + letter});
        svg.add(g, "rect", {x, y, width, height, rx: 6, class: "cell"});
        svg.add(g, "rect", {x: x + 7, y: y + 8, width: 18, height: 18, rx: 4, class: "chip"});
        text(g, x + 16, y + 21, written, "chip-letter middle");
        text(g, x + 30, y + 21, STAGES[letter], "name");
        const inner = width - 16;
        const updates = words !== null
            ? words.map((line, i) => (text(g, x + 8, y + 44 + i * ROW, line, "label"), () => {}))
            : STAGE_ROWS[letter].map((args, i) => row(g, x + 8, y + 44 + i * ROW, inner, ...args));
        if (STAGE_PART[letter] && words === null) {
            updates.push(share_row(g, x + 8, y + CELL_HEIGHT - 6, inner, letter, false, STAGE_PART[letter]));
        }
        return (view) => updates.forEach((update) => update(view));
    }

    /* --- threads --- */

    /* One thread: on a CPU, waiting for one, and blocked by something else. */
    function meter(parent, x, y, width, height, group, index, upright) {
        const g = svg.add(parent, "g", {class: "meter"});
        const title = svg.add(g, "title");
        const box = {x, y, width, height, rx: Math.min(3, width / 3)};
        svg.add(g, "rect", {...box, class: "track"});
        const bars = ["held", "runqueue", "cpu"].map((cls) => svg.add(g, "rect", {...box, class: cls}));
        bars[1].setAttribute("fill", "url(#wait-N)");
        const long = upright ? height : width;
        return (view) => {
            const t = view.groups[group].members[index];
            if (!t) {
                return;
            }
            const cpu = Math.min(1, t.cpu);
            const ready = Math.min(1, cpu + t.runqueue);
            [Math.max(ready, t.busy), ready, cpu].forEach((share, i) => {
                bars[i].setAttribute(upright ? "height" : "width", long * share);
                if (upright) {
                    bars[i].setAttribute("y", y + long * (1 - share));
                }
            });
            title.textContent = `${t.name}: busy ${format.as("share", t.busy)}, on a CPU ` +
                `${format.as("share", t.cpu)}, waiting for a CPU ${format.as("share", t.runqueue)}`;
        };
    }

    /* "q-P/3" is /3; with several processes "2:q-P/3" is 2/3. */
    function short_name(name) {
        const process = name.match(/^\d+(?=:)/);
        const thread = name.match(/\/\d+$/);
        return (process ? process[0] : "") + (thread ? thread[0] : "");
    }

    /* Few threads have a row each; one alone needs no number. */
    function meter_rows(parent, x, y, width, group, count) {
        const left = count > 1 ? 24 : 0;
        const updates = [];
        for (let i = 0; i < count; i++) {
            const top = y + i * 18;
            const name = text(parent, x, top + 10, "", "label");
            const value = text(parent, x + width, top + 10, "", "value end");
            value.dataset.key = `drawn.thread.${group}.${i}.busy`;
            updates.push(meter(parent, x + left, top + 1, width - left - 44, 10, group, i, false), (view) => {
                const t = view.groups[group].members[i];
                show(name, "text", count > 1 ? short_name(t.name) : "");
                show(value, "share", t.busy);
            });
        }
        return updates;
    }

    /* As even as may be: 6 are one row, 16 in a narrow box two rows of 8. */
    function grid_columns(count, width) {
        const rows = Math.ceil(count / Math.floor(width / 11));
        return Math.ceil(count / rows);
    }

    function meter_grid(parent, x, y, width, group, count) {
        const columns = grid_columns(count, width);
        const step = Math.min(32, width / columns);
        return Array.from({length: count}, (_, i) => meter(
            parent, x + (i % columns) * step, y + Math.floor(i / columns) * 26, step - 2, 22, group, i, true));
    }

    /* Hundreds of threads as a profile: the busiest at the left, as high as they are busy. */
    function meter_profile(parent, x, y, width, group) {
        svg.add(parent, "rect", {x, y, width, height: 34, rx: 3, class: "track"});
        const area = svg.add(parent, "path", {class: "cpu"});
        return [(view) => {
            const shares = view.groups[group].members.map((t) => t.busy).sort((a, b) => b - a);
            const points = [];
            for (let i = 0; i <= width; i++) {
                const share = shares[Math.min(shares.length - 1, Math.floor((i / width) * shares.length))];
                points.push(`L${x + i} ${(y + 34 * (1 - (share || 0))).toFixed(1)}`);
            }
            area.setAttribute("d", `M${x} ${y + 34}${points.join("")}L${x + width} ${y + 34}Z`);
        }];
    }

    /* How the threads of a group are drawn, by their number: [height, what draws them]. */
    function threads_look(group, width) {
        const count = group.members.length;
        if (count === 0) {
            return [0, () => []];
        }
        if (count <= 4) {
            return [count * 18, meter_rows];
        }
        if (count <= 64) {
            return [Math.ceil(count / grid_columns(count, width)) * 26, meter_grid];
        }
        return [38, meter_profile];
    }

    function threads_words(group) {
        const n = format.as("count", group.threads);
        if (group.in_turn) {
            return "poll loop, run in turn";
        }
        const one = {loop: "loop", pool: "thread", session: "session"}[group.kind] || "thread";
        return group.threads === 1 ? `1 ${one}` : `${n} ${one}s`;
    }

    /* A line below the threads on those that are not drawn; on-demand groups show how
     * many they may have, and `unused` is what is left of that. */
    function threads_note(group) {
        if (group.in_turn) {
            return "by idle threads of " + group.next;
        }
        const parts = [];
        if (group.members.length > 64) {
            parts.push(`${format.as("count", group.working)} working`);
        }
        if (group.unused > 0) {
            parts.push(`${format.as("count", group.unused)} unused`);
        }
        return parts.join(", ");
    }

    /* --- a group --- */

    /* `short`: stages that have no share of the time may be lower. */
    function box_size(group, width, short) {
        const cell = short && !upper(group).some((letter) => STAGE_PART[letter]) ? CELL_SHORT : CELL_HEIGHT;
        const letters = upper(group);
        const inner = width - 2 * PAD;
        const columns = Math.max(1, Math.min(letters.length, Math.floor((inner + CELL_GAP) / (CELL_LEAST + CELL_GAP))));
        const rows = Math.ceil(letters.length / columns);
        const [threads] = threads_look(group, inner);
        const cells = HEAD + rows * cell + (rows - 1) * CELL_GAP;
        return {columns, cell, cells, height: cells + 10 + threads + (threads_note(group) ? ROW + 3 : 0) + 4};
    }

    const box_width = (group, cell) => {
        const n = group.letters.length;
        return 2 * PAD + n * cell + (n - 1) * CELL_GAP;
    };

    /* The middle of a stage's cell in its box. */
    function stage_x(place, group, letter) {
        const {columns} = box_size(group, place.width);
        const at = upper(group).indexOf(letter) % columns;
        const width = (place.width - 2 * PAD - (columns - 1) * CELL_GAP) / columns;
        return place.x + PAD + at * (width + CELL_GAP) + width / 2;
    }

    /* Where stages share a row an arrow goes from each to the next: the direct call. */
    function stages_of(parent, place, group, groups, {columns, cell}) {
        const letters = upper(group);
        const width = (place.width - 2 * PAD - (columns - 1) * CELL_GAP) / columns;
        return letters.map((letter, i) => {
            const x = place.x + PAD + (i % columns) * (width + CELL_GAP);
            const y = place.y + HEAD + Math.floor(i / columns) * (cell + CELL_GAP);
            if (i + 1 < letters.length && (i + 1) % columns !== 0) {
                arrow(parent, [[x + width + 2, y + 50], [x + width + CELL_GAP - 2, y + 50]], "call");
            }
            return stage(parent, x, y, width, cell, group.letters[i], beside_small(groups, group.letters[i]));
        });
    }

    function box(parent, place, group, groups) {
        const g = svg.add(parent, "g", {class: "group stage-" + main_stage(group)});
        const size = box_size(group, place.width, place.short);
        const frame = svg.add(g, "rect", {
            x: place.x, y: place.y, width: place.width, height: place.height, rx: 10,
            class: "box" + (group.in_turn ? " in-turn" : ""),
        });
        const inner = place.width - 2 * PAD;
        text(g, place.x + PAD + 2, place.y + 19, threads_words(group), "kind");
        const busy = text(g, place.x + place.width - PAD - 2, place.y + 19, "", "value end");
        busy.dataset.key = `drawn.group.${group.index}.busy`;
        const updates = stages_of(g, place, group, groups, size);
        const [, draw] = threads_look(group, inner);
        const top = place.y + size.cells + 10;
        updates.push(...draw(g, place.x + PAD, top, inner, group.index, group.members.length));
        const note = text(g, place.x + PAD, place.y + size.height - 8, "", "label");
        const tag = limit_tag(g, place);
        return (view) => {
            const now = view.groups[group.index];
            updates.forEach((update) => update(view));
            show(note, "text", threads_note(now));
            if (!group.in_turn && now.members.length > 1) {
                show(busy, "share", now.busy);
            }
            const limits = view.verdict !== null && view.verdict.group === group.index;
            frame.classList.toggle("limits", limits);
            tag.classList.toggle("hidden", !limits);
        };
    }

    /* Said of the group that the verdict names. */
    function limit_tag(parent, place) {
        const tag = svg.add(parent, "g", {class: "limit-tag hidden"});
        svg.add(tag, "rect", {x: place.x + place.width / 2 - 34, y: place.y - 9, width: 68, height: 18, rx: 9});
        text(tag, place.x + place.width / 2, place.y + 4, "the limit", "middle");
        return tag;
    }

    /* --- a queue --- */

    /* How long one waits in front of a group. What comes back to the group that watches idle
     * connections may lie in its queue for a while with no harm, so there each way in has an
     * interval of its own, which begins and ends with it. */
    function wait_rows(group, groups, ways) {
        const into = ways.filter((w) => w.to === group.index && w.from !== w.to);
        const q = (share) => (v) => histograms.percentile(v.groups[group.index].queue.wait_ns, share);
        if (!into.some((w) => w.kind === "kept")) {
            return [["p50", `drawn.queue.${group.index}.p50`, "time", q(0.5)],
                    ["p99", `drawn.queue.${group.index}.p99`, "time", q(0.99)]];
        }
        const rows = [["kept p50", "drawn.requeue.wait.p50", "time", interval("requeue.wait", 0.5)],
                      ["kept p99", "drawn.requeue.wait.p99", "time", interval("requeue.wait", 0.99)]];
        return rows;
    }

    function queue_rows(group, groups, ways) {
        const of = (get) => (v) => get(v.groups[group.index].queue, v);
        const key = `drawn.queue.${group.index}.`;
        return [
            ...wait_rows(group, groups, ways),
            ["for a CPU", key + "for_cpu", "share", of((q) =>
                (q.sampled_wait_ns.sum > 0 ? q.cpu_wait_ns.sum / q.sampled_wait_ns.sum : null))],
            ["a batch", key + "batch", "amount", of((q) => histograms.mean(q.batch))],
            ["wakeups/s", key + "wakeups", "amount", of((q, v) => q.rung / v.seconds)],
        ];
    }

    /* What of a request's time is spent in front of this group. */
    function waiting_part(group, ways) {
        const into = (kind) => ways.some((w) => w.to === group.index && w.from !== w.to && w.kind === kind);
        return into("request") ? ["P", "process.wait"] : into("answer") ? ["W", "write.wait"] : null;
    }

    /* The tube with what is in it; `upright` where the drawing goes down. */
    function tube(parent, x, y, length, letter, upright, key, get) {
        const g = svg.add(parent, "g", {class: "tube stage-" + letter});
        const title = svg.add(g, "title");
        const size = upright ? {width: 34, height: length} : {width: length, height: TUBE};
        svg.add(g, "rect", {x, y, ...size, rx: 12, class: "pipe"});
        const slots = upright ? Math.min(SLOTS, Math.floor((length - 30) / 7)) : SLOTS;
        const items = Array.from({length: slots}, (_, i) => svg.add(g, "rect", upright
            ? {x: x + 8, y: y + length - 13 - i * 7, width: 18, height: 5, rx: 1.5, class: "item"}
            : {x: x + length - 15 - i * 8, y: y + 7, width: 5.5, height: TUBE - 14, rx: 1.5, class: "item"}));
        const value = upright ? text(g, x + 17, y + 17, "", "depth middle") : text(g, x + 11, y + 16.5, "", "depth");
        value.dataset.key = key;
        return (view) => {
            const q = get(view);
            show(value, "amount", q.depth);
            items.forEach((item, i) => item.classList.toggle("full", i < q.depth));
            title.textContent = `${format.as("count", q.depth)} waiting, at most ` +
                `${format.as("count", q.depth_max)} so far, room for ${format.as("count", q.bound)}`;
        };
    }

    /* --- lines --- */

    /* A line along points, with round corners, and its head. */
    function arrow(parent, points, cls) {
        const g = svg.add(parent, "g", {class: "way " + cls});
        const [px, py] = points[points.length - 2];
        const [x, y] = points[points.length - 1];
        const long = Math.hypot(x - px, y - py) || 1;
        const [dx, dy] = [(x - px) / long, (y - py) / long];
        const line = [...points.slice(0, -1), [x - dx * 4, y - dy * 4]];
        svg.add(g, "path", {d: rounded(line), class: "line"});
        svg.add(g, "path", {
            d: `M${x} ${y}L${x - dx * 7 - dy * 3.5} ${y - dy * 7 + dx * 3.5}` +
                `L${x - dx * 7 + dy * 3.5} ${y - dy * 7 - dx * 3.5}Z`, class: "head",
        });
        return g;
    }

    function rounded(points) {
        let d = `M${points[0][0]} ${points[0][1]}`;
        for (let i = 1; i + 1 < points.length; i++) {
            const [a, b, c] = [points[i - 1], points[i], points[i + 1]];
            const near = (from, to) => {
                const long = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
                const r = Math.min(9, long / 2);
                return [from[0] + ((to[0] - from[0]) * r) / long, from[1] + ((to[1] - from[1]) * r) / long];
            };
            const [p, q] = [near(b, a), near(b, c)];
            d += `L${p[0]} ${p[1]}Q${b[0]} ${b[1]} ${q[0]} ${q[1]}`;
        }
        const last = points[points.length - 1];
        return d + `L${last[0]} ${last[1]}`;
    }

    const is_drawn = (way) => Object.hasOwn(WAYS, way.kind);

    function way_words(ways) {
        return [...new Set(ways.map((w) => WAYS[w.kind]))].join(", ");
    }

    /* Ways that do not lead to the next box, each pair of boxes once; the shortest innermost. */
    function ways_back(ways) {
        const pairs = new Map();
        ways.filter((w) => w.to !== w.from + 1).forEach((w) => {
            const key = `${w.from}>${w.to}`;
            pairs.set(key, [...(pairs.get(key) || []), w]);
        });
        return [...pairs.values()].sort((a, b) => Math.abs(a[0].from - a[0].to) - Math.abs(b[0].from - b[0].to));
    }

    const is_kept = (ways) => ways.every((w) => w.kind === "kept");

    /* Does a pipe stand in front of this group? One without a way in has a queue that nothing uses. */
    function has_pipe(group, ways) {
        return group.queue !== null && ways.some((w) => w.to === group.index && w.from !== w.to);
    }

    return {
        CELL_LEAST, CELL_HEIGHT, HEAD, ROW, TUBE, GUTTER_IN, GUTTER_OUT, LANE, PAD,
        upper, main_stage, text, row, share_row, box, box_size, box_width, stage_x, tube, arrow,
        queue_rows, waiting_part, is_drawn, way_words, ways_back, is_kept, has_pipe,
    };
})();
