/* wiring_layout.js: where the parts of the drawing (wiring.js) stand: across a wide page, down a
 * narrow one. wiring.on(element).update(view) draws, and draws again when the threads, the queues or
 * the width have changed.
 */
"use strict";

const wiring = (() => {
    const d = wiring_drawing;
    const BAND = 26;         /* the network: a bar above, or at the left */
    const CELL_MOST = 176;
    const PIPE_LEAST = 100;
    const PIPE_MOST = 136;
    const TALL_LEFT = 40;    /* of a drawing that goes down: the network and its arrows */
    const TALL_WIDTH = 520;
    const ROOM_LEAST = 240;

    /* What stands in front of a group: pipes, with what is written below them. */
    function gutter(view, group, ways) {
        const pipes = [];
        if (group.index === 0 && view.accept) {
            pipes.push({
                letter: "L", label: "accept queue", key: "drawn.accept.depth", get: (v) => v.accept,
                rows: [["peak", "drawn.accept.depth_max", "amount", (v) => v.accept.depth_max]],
            });
        }
        if (d.has_pipe(group, ways)) {
            const part = d.waiting_part(group, ways);
            pipes.push({
                letter: part ? part[0] : d.main_stage(group), label: "queue", part,
                key: `drawn.queue.${group.index}.depth`, get: (v) => v.groups[group.index].queue,
                rows: d.queue_rows(group, view.groups, ways), own: true,
            });
        }
        return pipes;
    }

    /* The line above a pipe: its share of the time, or what it is. */
    function caption(parent, x, y, width, pipe) {
        if (pipe.part) {
            return d.share_row(parent, x, y, width, pipe.part[0], true, pipe.part[1]);
        }
        d.text(parent, x, y - 1, pipe.label, "label");
        return () => {};
    }

    function all(updates) {
        return (view) => updates.forEach((update) => update(view));
    }

    const clients_words = (view) => (view.averages
        ? `clients: ${format.as("amount", view.connections)} connected on average`
        : `clients: ${format.as("count", view.connections)} connected`);

    /* --- across --- */

    function across_sizes(view, ways, width) {
        const fixed = (pipes) => (pipes.length > 0 ? d.GUTTER_IN + d.GUTTER_OUT : 30);
        const gutters = view.groups.map((g) => gutter(view, g, ways));
        const margin = view.groups.some((g) => g.in_turn) ? 16 : 0; /* of the frame around a pair */
        for (let cell = CELL_MOST; cell >= d.CELL_LEAST; cell -= 2) {
            const pipe = Math.max(PIPE_LEAST, Math.min(PIPE_MOST, cell));
            const boxes = view.groups.map((g) => d.box_width(g, cell));
            const spaces = gutters.map((pipes) => fixed(pipes) + (pipes.length > 0 ? pipe : 0));
            const total = [...boxes, ...spaces].reduce((a, b) => a + b, 0);
            if (total + margin <= width) {
                return {gutters, boxes, spaces, pipe, total};
            }
        }
        return null;
    }

    function lying_pipe(parent, x, mid, width, pipe) {
        const top = mid - d.TUBE / 2;
        const updates = [caption(parent, x, top - 5, width, pipe),
            d.tube(parent, x, top, width, pipe.letter, false, pipe.key, pipe.get)];
        pipe.rows.forEach((args, i) => {
            updates.push(d.row(parent, x + 2, top + d.TUBE + 17 + i * d.ROW, width - 4, ...args));
        });
        return updates;
    }

    const pipe_height = (pipe) => d.TUBE + 18 + pipe.rows.length * d.ROW;

    /* Places of boxes and pipes: pipes of a gutter one below the other, boxes of one height. */
    function across_places(view, ways, sizes, width) {
        const top = BAND + 42;
        const mid = top + d.HEAD + d.CELL_HEIGHT / 2;
        let x = (width - sizes.total) / 2;
        let bottom = 0;
        let height = 0;
        const places = view.groups.map((group, i) => {
            const pipes = [];
            let at = mid;
            sizes.gutters[i].forEach((pipe) => {
                pipes.push({...pipe, x: x + d.GUTTER_IN, mid: at, width: sizes.pipe});
                bottom = Math.max(bottom, at - d.TUBE / 2 + pipe_height(pipe));
                at += pipe_height(pipe) + 22;
            });
            x += sizes.spaces[i];
            const place = {x, y: top, width: sizes.boxes[i], pipes};
            height = Math.max(height, d.box_size(group, place.width).height);
            x += sizes.boxes[i];
            return place;
        });
        places.forEach((place) => (place.height = height));
        const round = ways.some((w) => w.from === w.to);
        bottom = Math.max(bottom, top + height + (round ? 18 : 0)) + (view.groups.some((g) => g.in_turn) ? 8 : 0);
        return {places, top, mid, bottom};
    }

    function across(root, view, ways, width, sizes) {
        const {places, top, mid, bottom} = across_places(view, ways, sizes, width);
        const updates = [];
        frames(root, view, places);
        svg.add(root, "rect", {x: 0, y: 0, width, height: BAND, rx: 6, class: "network"});
        const words = d.text(root, width / 2, 17.5, "", "network-text middle");
        updates.push((v) => show(words, "text", clients_words(v)));
        places.forEach((place, i) => {
            across_ways_in(root, view, ways, places, i, mid);
            place.pipes.forEach((pipe) => updates.push(...lying_pipe(root, pipe.x, pipe.mid, pipe.width, pipe)));
            updates.push(d.box(root, place, view.groups[i], view.groups));
            network_arrows(view.groups[i]).forEach(([letter, out]) => {
                const sx = d.stage_x(place, view.groups[i], letter);
                d.arrow(root, out ? [[sx, top], [sx, BAND]] : [[sx, BAND], [sx, top]], "network-way");
            });
        });
        const lanes = across_back(root, ways, places, bottom, updates);
        return {height: bottom + 10 + lanes * d.LANE, update: all(updates)};
    }

    /* Which stages of a group touch the network: [letter, outwards]. */
    function network_arrows(group) {
        return d.upper(group).filter((letter) => "RW".includes(letter)).map((letter) => [letter, letter === "W"]);
    }

    /* Through the pipes into the box; from the box before, or from the network. */
    function across_ways_in(root, view, ways, places, i, mid) {
        const place = places[i];
        place.pipes.forEach((pipe) => {
            d.arrow(root, [[pipe.x + pipe.width, pipe.mid], [place.x, pipe.mid]], "next");
        });
        const here = ways.filter((w) => w.from === i - 1 && w.to === i);
        const own = place.pipes.find((pipe) => pipe.own);
        if (here.length > 0) {
            const before = places[i - 1];
            d.arrow(root, [[before.x + before.width, mid], [own.x, mid]], d.is_kept(here) ? "kept" : "next");
        }
        const listener = d.upper(view.groups[i]).includes("L");
        if (listener && view.accept) {
            const pipe = place.pipes[0];
            const x = pipe.x - d.GUTTER_IN + 4;
            d.arrow(root, [[x, BAND], [x, mid], [pipe.x, mid]], "network-way");
        } else if (listener) {
            const x = d.stage_x(place, view.groups[i], "L");
            d.arrow(root, [[x, BAND], [x, place.y]], "network-way");
        }
    }

    /* Ways that lead back, each in a lane of its own below the boxes. */
    function across_back(root, ways, places, bottom, updates) {
        const leaving = places.map(() => 0);
        let lane = 0;
        d.ways_back(ways).forEach((back) => {
            const {from, to} = back[0];
            const source = places[from];
            const own = places[to].pipes.find((pipe) => pipe.own);
            const foot = source.y + source.height;
            const y = from === to ? foot + 17 : bottom + 16 + lane++ * d.LANE;
            const start = source.x + source.width / 2 + (from === to ? source.width / 4 : 0) - 16 * leaving[from]++;
            const goal = from === to ? source.x + source.width / 4 : own.x - 10;
            const end = from === to ? [[goal, foot]] : [[goal, own.mid], [own.x, own.mid]];
            d.arrow(root, [[start, foot], [start, y], [goal, y], ...end], d.is_kept(back) ? "kept" : "back");
            updates.push(way_label(root, (start + goal) / 2, y + 4, "middle", back));
        });
        return lane;
    }

    function way_label(root, x, y, anchor, ways) {
        const label = d.text(root, x, y, "", "way-label " + anchor);
        return () => show(label, "text", d.way_words(ways));
    }

    /* A loop that is run in turn and the pool whose threads do it, as one thing. */
    function frames(root, view, places) {
        view.groups.forEach((group, i) => {
            if (group.in_turn && places[i + 1]) {
                const [a, b] = [places[i], places[i + 1]];
                const right = Math.max(a.x + a.width, b.x + b.width) + 7;
                svg.add(root, "rect", {
                    x: a.x - 7, y: a.y - 14, width: right - a.x + 7, height: b.y + b.height - a.y + 22,
                    rx: 14, class: "joined",
                });
            }
        });
    }

    /* --- down --- */

    const tall = (pipe) => Math.max(54, pipe.rows.length * d.ROW + 22);

    function standing_pipe(parent, x, y, width, pipe, shift) {
        const length = tall(pipe);
        const updates = [d.tube(parent, x + shift, y, length, pipe.letter, true, pipe.key, pipe.get)];
        const left = x + shift + 46;
        const room = Math.min(190, x + width - left);
        updates.push(caption(parent, left, y + 12, room, pipe));
        pipe.rows.forEach((args, i) => updates.push(d.row(parent, left, y + 29 + i * d.ROW, room, ...args)));
        return updates;
    }

    function down_places(view, ways, width, lanes) {
        const left = TALL_LEFT;
        const wide = width - left - 12 - lanes * 18;
        let y = 22;
        return view.groups.map((group) => {
            const pipes = gutter(view, group, ways).map((pipe, i) => {
                const placed = {...pipe, x: left + 12, y, shift: i * 46, length: tall(pipe)};
                y += placed.length + 26;
                return placed;
            });
            const place = {x: left, y, width: wide, pipes, short: true, height: d.box_size(group, wide, true).height};
            y += place.height + 26;
            return place;
        });
    }

    function down(root, view, ways, width) {
        const backs = d.ways_back(ways);
        const places = down_places(view, ways, width, backs.length);
        const last = places[places.length - 1];
        const height = last.y + last.height + 14;
        const updates = [];
        frames(root, view, places);
        svg.add(root, "rect", {x: 0, y: 0, width: BAND - 4, height, rx: 6, class: "network"});
        const words = svg.add(root, "text", {class: "network-text middle", transform: `translate(15,${height / 2}) rotate(-90)`});
        updates.push((v) => show(words, "text", clients_words(v)));
        places.forEach((place, i) => {
            down_ways_in(root, view, ways, places, i);
            place.pipes.forEach((pipe) => updates.push(
                ...standing_pipe(root, pipe.x, pipe.y, place.width - 12, pipe, pipe.shift)));
            updates.push(d.box(root, place, view.groups[i], view.groups));
            down_network(root, view.groups[i], place);
        });
        down_back(root, backs, places, updates);
        return {height, update: all(updates)};
    }

    function down_network(root, group, place) {
        network_arrows(group).forEach(([, out], i) => {
            const y = place.y + d.HEAD + 20 + i * 24;
            d.arrow(root, out ? [[place.x, y], [BAND - 4, y]] : [[BAND - 4, y], [place.x, y]], "network-way");
        });
    }

    function down_ways_in(root, view, ways, places, i) {
        const place = places[i];
        const middle = (pipe) => pipe.x + pipe.shift + 17;
        place.pipes.forEach((pipe) => {
            d.arrow(root, [[middle(pipe), pipe.y + pipe.length], [middle(pipe), place.y]], "next");
        });
        const here = ways.filter((w) => w.from === i - 1 && w.to === i);
        const own = place.pipes.find((pipe) => pipe.own);
        if (here.length > 0) {
            const before = places[i - 1];
            d.arrow(root, [[middle(own), before.y + before.height], [middle(own), own.y]], d.is_kept(here) ? "kept" : "next");
        }
        if (d.upper(view.groups[i]).includes("L")) {
            const pipe = view.accept ? place.pipes[0] : null;
            d.arrow(root, pipe
                ? [[BAND - 4, pipe.y - 10], [middle(pipe), pipe.y - 10], [middle(pipe), pipe.y]]
                : [[BAND - 4, place.y + 12], [place.x, place.y + 12]], "network-way");
        }
    }

    function down_back(root, backs, places, updates) {
        const leaving = places.map(() => 0);
        backs.forEach((back, lane) => {
            const {from, to} = back[0];
            const source = places[from];
            const right = source.x + source.width;
            const x = right + 12 + lane * 18;
            const start = source.y + source.height - 24 - 14 * leaving[from]++;
            const own = places[to].pipes.find((pipe) => pipe.own);
            const goal = from === to ? source.y + d.HEAD + 20 : own.y - 12;
            const middle = own ? own.x + own.shift + 17 : 0;
            const end = from === to ? [[right, goal]] : [[middle, goal], [middle, own.y]];
            d.arrow(root, [[right, start], [x, start], [x, goal], ...end], d.is_kept(back) ? "kept" : "back");
            const label = svg.add(root, "text", {
                class: "way-label middle", transform: `translate(${x + 4},${(start + goal) / 2}) rotate(-90)`,
            });
            updates.push(() => show(label, "text", d.way_words(back)));
        });
    }

    /* --- the whole --- */

    /* What the drawing is made for; another value, and it is made again. */
    function shape(view, width) {
        const groups = view.groups.map((g) => [g.letters, g.kind, g.threads, g.in_turn, g.members.length,
            g.queue !== null, g.unused > 0]);
        return JSON.stringify([groups, view.ways, view.accept !== null, width]);
    }

    /* All stages, each once (w beside W is not the same), and a queue wherever a way ends. Not so
     * where processes of different wirings were added up, or a damaged trace lacks its report. */
    function is_drawable(view, ways) {
        const letters = view.groups.flatMap((g) => [...g.letters]);
        const complete = [..."LRPW"].every((letter) => letters.some((one) => one.toUpperCase() === letter));
        return complete && new Set(letters).size === letters.length && ways.length > 0 &&
            letters.every((letter) => "LKRPWlkrpw".includes(letter)) &&
            ways.every((way) => view.groups[way.from] && view.groups[way.to] &&
                (way.from === way.to || view.groups[way.to].queue !== null));
    }

    function build(host, view, room) {
        const ways = view.ways.filter(d.is_drawn);
        if (!is_drawable(view, ways)) {
            host.textContent = "No drawing: these figures are not of one whole wiring.";
            return () => {};
        }
        const sizes = room >= 700 ? across_sizes(view, ways, room) : null;
        const width = sizes ? room : Math.min(room, TALL_WIDTH);
        const root = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        svg.hatches(root, "wait-");
        const drawn = sizes ? across(root, view, ways, width, sizes) : down(root, view, ways, width);
        root.setAttribute("width", width);
        root.setAttribute("height", drawn.height);
        root.setAttribute("viewBox", `0 0 ${width} ${drawn.height}`);
        root.setAttribute("role", "img");
        root.setAttribute("aria-label", "The thread groups of the server, and the queues between them");
        root.setAttribute("class", "wiring");
        host.replaceChildren(root);
        return drawn.update;
    }

    function on(host) {
        let made = "";
        let update = null;
        return {
            update(view) {
                const room = Math.floor(host.clientWidth);
                if (room < ROOM_LEAST) {
                    return; /* not laid out */
                }
                const wanted = shape(view, room);
                if (wanted !== made) {
                    update = build(host, view, room);
                    made = wanted;
                }
                update(view);
            },
        };
    }

    return {on};
})();
