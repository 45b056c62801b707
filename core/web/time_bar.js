/* time_bar.js: where the mean request's time goes, as one bar of its parts and a legend that is a
 * table. The first part is the wait in the socket, where it is known. Solid is work, hatched is waiting for a thread; of the waiting, cross-hatched is the part
 * in which the thread waited for a CPU, and dotted, of reading and writing, the wait for the client.
 */
"use strict";

const time_bar = (() => {
    /* A part is drawn in up to two pieces: how it is mostly, and the other way. */
    function pieces(part) {
        if (part.waits) {
            return [["waits", 1 - part.for_cpu], ["waits-cpu", part.for_cpu]];
        }
        return [["works", 1 - part.for_client], ["waits-client", part.for_client]];
    }

    function segment(bar, part) {
        return [0, 1].map((i) => element(bar, "div", `piece stage-${part.stage} ${pieces({...part, for_cpu: 0, for_client: 0})[i][0]}`));
    }

    function entry(legend, part) {
        const item = element(legend, "div", `entry stage-${part.stage}`);
        element(item, "span", "swatch " + (part.waits ? "waits" : "works"));
        element(item, "span", "part", part.name);
        const share = element(item, "span", "part-share");
        const mean = element(item, "span", "part-mean");
        const note = element(item, "span", "part-note");
        share.dataset.key = `part.${part.name}.share`;
        mean.dataset.key = `part.${part.name}.mean`;
        return (now) => {
            show(share, "share", now.mean === null ? null : now.share);
            show(mean, "time", now.mean);
            show(note, "text", words(now));
        };
    }

    function words(part) {
        if (part.mean === null) {
            return "";
        }
        if (part.waits && part.for_cpu > 0.005) {
            return format.as("share", part.for_cpu) + " of it for a CPU";
        }
        if (part.for_client > 0.005) {
            return format.as("share", part.for_client) + " of it for the client";
        }
        return "";
    }

    const UNKNOWN = {mean: null, share: 0, for_cpu: 0, for_client: 0};

    function on(host) {
        const bar = element(host, "div", "time-bar");
        const legend = element(host, "div", "time-legend");
        const segments = PARTS.map((part) => segment(bar, part));
        const entries = PARTS.map((part) => entry(legend, part));
        return {
            update(view) {
                PARTS.map((part, i) => view.parts[i] || {...part, ...UNKNOWN}).forEach((part, i) => {
                    pieces(part).forEach(([, share], j) => {
                        segments[i][j].style.flexGrow = part.share * share;
                        segments[i][j].title = `${part.name}: ${format.as("share", part.share)}, mean ${format.as("time", part.mean)}`;
                    });
                    entries[i](part);
                });
                bar.classList.toggle("empty", !view.parts.some((part) => part.share > 0));
            },
        };
    }

    /* Shares of the whole: working, and waiting for a thread, a CPU or the client. */
    function sums(view) {
        let waiting = 0;
        view.parts.forEach((part) => (waiting += part.share * (part.waits ? 1 : part.for_client)));
        const any = view.parts.some((part) => part.share > 0);
        return {waiting: any ? waiting : null, working: any ? 1 - waiting : null};
    }

    return {on, sums};
})();
