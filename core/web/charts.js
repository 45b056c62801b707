/* charts.js: lines over time with uPlot, in the page's colours and with the page's numbers. The head
 * of a chart says what its lines are now, or where the pointer is; all charts of a page share the
 * pointer's time.
 */
"use strict";

const charts = (() => {
    const HEIGHT = 132;
    /* Steps of an axis that counts. */
    const WHOLE = [...Array(10).keys()].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power));
    const sync = uPlot.sync("time");

    function colour(name) {
        return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
    }

    function faded(name, percent) {
        return `color-mix(in srgb, ${colour(name)} ${percent}%, transparent)`;
    }

    /* 1.00 us is 1 us on an axis. */
    const tick = (kind, value) => format.as(kind, value).replace(/(\.\d*?)0+(?!\d)/, "$1").replace(/\.(?!\d)/, "");

    function axes(spec) {
        const common = {
            stroke: colour("soft"), font: "11px system-ui, sans-serif",
            grid: {stroke: colour("line"), width: 1}, ticks: {show: false},
        };
        return [
            {...common, size: 24, gap: 6, space: 60, splits: spec.x_splits, values: spec.x_values,
             grid: {show: spec.x_log === true}, ...(spec.x_log ? {filter: (u, splits) => splits} : {})},
            {...common, size: 54, gap: 6, space: spec.log ? 18 : 30,
             incrs: WHOLE, ...(spec.kind === "share" ? {splits: () => [0, 0.25, 0.5, 0.75, 1]} : {}),
             values: (u, splits) => splits.map((v) => (v === null ? "" : tick(spec.kind, v))),
             ...(spec.log ? {splits: (u) => decades(u.scales.y, 5), filter: (u, splits) => splits} : {})},
        ];
    }

    /* Powers of ten, thinned to what has room. */
    function decades(scale, most) {
        const [low, high] = [Math.log10(scale.min), Math.log10(scale.max)];
        const step = Math.max(1, Math.ceil((high - low) / most));
        const found = [];
        for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power += step) {
            found.push(10 ** power);
        }
        return found;
    }

    function line(one) {
        return {
            label: one.label, stroke: colour(one.colour), width: one.thin ? 1.1 : one.fine ? 1.3 : 1.8, spanGaps: false,
            points: {show: false}, fill: one.fill ? faded(one.colour, 12) : undefined,
            alpha: one.thin ? 0.85 : 1, dash: one.dash ? [4, 3] : undefined,
        };
    }

    /* spec: {title, kind, log, lines: [{label, colour, thin, fill}], band: [upper, lower], range,
     * x_range, x_splits, x_values, x_log, x_kind, height, apart: has a pointer of its own,
     * below(u): draws on the canvas what lies below the lines, whole: what to say while the pointer is
     * elsewhere ("" for nothing)} */
    function lines(host, spec) {
        const card = element(host, "div", "chart");
        const head = element(card, "div", "chart-head" + (spec.lines.length > 2 ? " two-lines" : ""));
        element(head, "span", "title", spec.title);
        const readings = spec.lines.map((one) => {
            const span = element(head, "span", "reading");
            const chip = element(span, "span", "chip");
            chip.style.background = `var(--${one.colour})`;
            chip.style.height = one.thin ? "1.5px" : "4px";
            span.append(one.label + " ");
            const value = element(span, "b");
            value.dataset.key = `chart.${spec.title}.${one.label}`;
            return value;
        });
        const where = spec.x_kind ? element(head, "span", "reading") : null;
        if (where) {
            where.dataset.key = "chart.x";
        }
        const height = spec.height || HEIGHT;
        const plot = element(card, "div", "plot");
        let u = null;
        let data = [[], ...spec.lines.map(() => [])];
        let said = data;

        /* Where the pointer is; without one the last values, or what the chart says of the whole. */
        function read(at) {
            const pointed = at !== null && at !== undefined;
            const index = pointed ? at : data[0].length - 1;
            readings.forEach((node, i) => {
                const value = pointed || !spec.whole ? said[i + 1][index] : spec.whole[i];
                show(node, value === "" ? "text" : spec.kind, value ?? null);
            });
            if (where) {
                show(where, "text", pointed ? "at " + format.as(spec.x_kind, data[0][at]) : "");
                where.dataset.value = pointed ? data[0][at] : "";
            }
        }

        function make() {
            if (u) {
                u.destroy();
            }
            u = new uPlot({
                width: Math.max(120, plot.clientWidth), height, legend: {show: false}, padding: [8, spec.x_log ? 24 : 16, 0, 0],
                cursor: {...(spec.apart ? {} : {sync: {key: sync.key}}), drag: {x: false, y: false}, points: {size: 6}},
                scales: {x: {time: false, range: spec.x_range, distr: spec.x_log ? 3 : 1}, y: {distr: spec.log ? 3 : 1, range: spec.range}},
                axes: axes(spec), series: [{}, ...spec.lines.map(line)],
                bands: spec.band ? [{series: spec.band, fill: faded(spec.lines[0].colour, 14)}] : [],
                hooks: {setCursor: [(self) => read(self.cursor.idx)], drawAxes: spec.below ? [spec.below] : []},
            }, data, plot);
        }

        make();
        const watch = new ResizeObserver(() => {
            const width = Math.max(120, plot.clientWidth);
            if (width !== u.width) {
                u.setSize({width, height});
            }
        });
        watch.observe(plot);
        return {
            restyle: make,
            /* words: what is said, where that is not what is drawn. */
            set(columns, words) {
                data = columns;
                said = words || columns;
                u.setData(columns);
                read(u.cursor.idx);
            },
            remove() {
                watch.disconnect();
                u.destroy();
                card.remove();
            },
        };
    }

    return {lines, decades, colour, tick};
})();
