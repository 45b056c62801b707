/* format.js: numbers as people read them. Every number on a page goes through here, so that it is
 * the same in the drawing, in the tables and beside the charts. The space before a unit is narrow and
 * does not break. */
"use strict";

const format = (() => {
    const GAP = "\u202f";
    const NONE = "\u2013";

    /* Three digits that count: 3.35, 31.0, 204. */
    function digits3(value) {
        if (value === 0) {
            return "0";
        }
        const rounded = Number(value.toPrecision(3));
        const before = Math.floor(Math.log10(rounded) + 1e-9) + 1;
        return rounded.toFixed(Math.min(2, Math.max(0, 3 - before)));
    }

    /* The largest unit that leaves at least 1 of it after rounding. */
    function scaled(value, units) {
        let at = 0;
        while (at + 1 < units.length && value >= 999.5 * units[at][0]) {
            at++;
        }
        return digits3(value / units[at][0]) + units[at][1];
    }

    const TIMES = [[1, GAP + "ns"], [1e3, GAP + "\u00b5s"], [1e6, GAP + "ms"], [1e9, GAP + "s"]];
    const SIZES = [[1, GAP + "B"], [1e3, GAP + "kB"], [1e6, GAP + "MB"], [1e9, GAP + "GB"], [1e12, GAP + "TB"]];
    const AMOUNTS = [[1, ""], [1e3, GAP + "k"], [1e6, GAP + "M"], [1e9, GAP + "G"]];

    function known(value) {
        return value !== null && value !== undefined && Number.isFinite(value);
    }

    const kinds = {
        /* Nanoseconds. */
        time: (ns) => (ns < 999.5 ? Math.round(ns) + (ns === 0 ? "" : GAP + "ns") : scaled(ns, TIMES)),
        seconds: (s) => kinds.time(s * 1e9),
        /* A number that is counted, whole. */
        count: (n) => Math.round(n).toLocaleString("en-US"),
        /* One that may be large: 23.1 k. */
        amount: (n) => (n < 10000 && Number.isInteger(n) ? kinds.count(n) : scaled(n, AMOUNTS)),
        size: (bytes) => scaled(bytes, SIZES),
        /* 0 to 1, as percent. */
        share: (x) => {
            const percent = 100 * x;
            if (percent > 0 && percent < 0.05) {
                return "<0.1" + GAP + "%";
            }
            const text = percent >= 9.95 || percent === 0 ? Math.round(percent) : percent.toFixed(1);
            return text + GAP + "%";
        },
        /* The same where the smallest ones matter: 0.01 %. */
        tail: (x) => (x > 0 && x < 0.01 ? Number((100 * x).toPrecision(1)) + GAP + "%" : kinds.share(x)),
        text: (text) => String(text),
    };

    /* Of a kind by name; a dash for what is not known. */
    function as(kind, value) {
        return known(value) || kind === "text" ? kinds[kind](value) : NONE;
    }

    /* Seconds that have passed, for clocks: 3 d 4 h, 2 h 5 min, 12 s. */
    function duration(seconds) {
        const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
        let at = units.findIndex(([length]) => seconds >= length);
        at = at < 0 ? units.length - 1 : at;
        const [length, name] = units[at];
        const whole = Math.floor(seconds / length);
        const rest = at + 1 < units.length ? Math.floor((seconds % length) / units[at + 1][0]) : 0;
        return whole + GAP + name + (rest > 0 ? " " + rest + GAP + units[at + 1][1] : "");
    }

    return {as, duration, GAP, NONE};
})();
