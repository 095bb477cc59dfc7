// A line chart without axes: how a number went.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;

/**
 * Draws the values into an svg element, the newest at the right, from zero to the largest. Fewer
 * than `least` leave room at the left.
 */
export function sparkline(svg, values, least) {
    if (svg.childElementCount === 0) {
        svg.setAttribute("preserveAspectRatio", "none");
        svg.append(...["polygon", "polyline"].map(kind => document.createElementNS(SVG, kind)));
    }
    const length = Math.max(values.length, least);
    svg.setAttribute("viewBox", `0 0 ${length - 1} ${HEIGHT}`);
    const top = Math.max(1e-9, ...values);
    const first = length - values.length;
    // A little air above and below, or half of the line's width is cut off.
    const points = values.map((value, index) =>
        `${first + index},${(HEIGHT - 4 - value / top * (HEIGHT - 8)).toFixed(1)}`);
    const [area, line] = svg.children;
    line.setAttribute("points", points.join(" "));
    area.setAttribute("points", [`${first},${HEIGHT}`, ...points, `${length - 1},${HEIGHT}`].join(" "));
}
