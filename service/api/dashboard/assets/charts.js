/**
 * Pictures of numbers. Each has a text that says the same in a sentence; the numbers themselves stand in tables.
 */

import { svg } from "./dom.js";
import { clock } from "./format.js";

const WIDTH = 400;
const HEIGHT = 140;
const LEFT = 54;
const BOTTOM = 20;
const TOP = 10;
const LONGEST_MS = 5 * 60_000;
const SHORTEST_MS = 60_000;
/** What a chart spans: as much as there is to show, between these. */

/** @typedef {{name: string, colour: string, values: Array<number | null>}} Line */

/**
 * A number that is round and not less.
 *
 * @param {number} value
 */
export function roundUp(value) {
  if (value <= 0) return 1;
  const scale = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * scale >= value * 0.9999) ?? 10) * scale;
}

/**
 * Lines over the last minutes; stacked ones are areas, each upon the one before.
 *
 * @param {{times: number[], lines: Line[], write: (value: number) => string, says: string, stacked?: boolean, end: number}} chart
 */
export function timeChart({ times, lines, write, says, stacked = false, end }) {
  const tops = stacked ? stack(lines) : lines.map((line) => line.values);
  const most = roundUp(Math.max(0, ...tops.flat().map((value) => value ?? 0)));
  const span = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, end - (times[0] ?? end)));
  const x = (/** @type {number} */ at) => LEFT + (WIDTH - LEFT) * (1 - (end - at) / span);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / most);
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": says });
  picture.append(...[0, most / 2, most].flatMap((value) => rule(value, y(value), write)));
  picture.append(...ticks(span).map((back) => tick(x(end - back), back)));
  lines.forEach((line, index) => {
    const points = times.map((at, moment) => ({ at: x(at), value: tops[index][moment] })).filter((one) => one.at >= LEFT);
    const base = stacked && index > 0 ? tops[index - 1] : null;
    if (stacked) picture.append(area(points, times, base, x, y, line.colour));
    picture.append(...segments(points).map((part) =>
      svg("polyline", { class: `line ${line.colour}`, points: part.map((one) => `${one.at.toFixed(1)},${y(one.value).toFixed(1)}`).join(" ") },
        svg("title", {}, line.name))));
  });
  return picture;
}

/** @param {Line[]} lines */
function stack(lines) {
  /** @type {number[]} */
  let below = [];
  return lines.map((line) => {
    below = line.values.map((value, moment) => (value ?? 0) + (below[moment] ?? 0));
    return below;
  });
}

/**
 * @param {Array<{at: number, value: number | null}>} points
 * @returns {Array<Array<{at: number, value: number}>>} Parts without a gap.
 */
function segments(points) {
  /** @type {any[][]} */
  const parts = [[]];
  for (const point of points) {
    if (point.value === null || point.value === undefined) parts.push([]);
    else parts.at(-1)?.push(point);
  }
  return parts.filter((part) => part.length > 1);
}

/**
 * @param {any[]} points
 * @param {number[]} times
 * @param {Array<number | null> | null} base
 * @param {(at: number) => number} x
 * @param {(value: number) => number} y
 * @param {string} colour
 */
function area(points, times, base, x, y, colour) {
  const upper = points.map((one) => `${one.at.toFixed(1)},${y(one.value).toFixed(1)}`);
  const lower = times.map((at, moment) => ({ at: x(at), value: base?.[moment] ?? 0 }))
    .filter((one) => one.at >= LEFT).reverse().map((one) => `${one.at.toFixed(1)},${y(one.value).toFixed(1)}`);
  return svg("polygon", { class: `area ${colour}`, points: [...upper, ...lower].join(" ") });
}

/**
 * @param {number} value
 * @param {number} at
 * @param {(value: number) => string} write
 */
function rule(value, at, write) {
  return [
    svg("line", { class: value === 0 ? "axis" : "grid", x1: LEFT, x2: WIDTH, y1: at, y2: at }),
    svg("text", { class: "tick", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, write(value)),
  ];
}

/**
 * Which moments have a name below a chart: milliseconds before its end.
 *
 * @param {number} span
 */
function ticks(span) {
  const step = span > 150_000 ? 60_000 : span > 90_000 ? 30_000 : 15_000;
  return Array.from({ length: Math.floor((span - step / 3) / step) }, (_, index) => (index + 1) * step);
}

/**
 * @param {number} at
 * @param {number} back Milliseconds before the end.
 */
function tick(at, back) {
  const name = back % 60_000 === 0 ? `−${back / 60_000} min` : `−${back / 1000} s`;
  return svg("text", { class: "tick", x: at, y: HEIGHT - 4, "text-anchor": "middle" }, name);
}

/**
 * From thisUpdate to nextUpdate: how much is over, when the next attempt is, and how far past the end it is.
 *
 * @param {{from: number, to: number, now: number, refresh: number | null, level: string, says: string}} life Milliseconds.
 */
export function lifeBar({ from, to, now, refresh, level, says }) {
  const last = Math.max(to, Math.min(now, to + (to - from) / 4));
  const x = (/** @type {number} */ at) => Math.max(0, Math.min(1, (at - from) / Math.max(1, last - from))) * 196 + 2;
  const picture = svg("svg", { class: `life ${level}`, viewBox: "0 0 200 18", role: "img", "aria-label": says });
  picture.append(svg("title", {}, says));
  picture.append(svg("rect", { class: "whole", x: 2, y: 6, width: x(to) - 2, height: 6, rx: 3 }));
  if (now > to) picture.append(svg("rect", { class: "past", x: x(to), y: 6, width: Math.max(2, x(now) - x(to)), height: 6 }));
  picture.append(svg("rect", { class: "over", x: 2, y: 6, width: Math.max(0, x(Math.min(now, to)) - 2), height: 6, rx: 3 }));
  if (refresh !== null && refresh >= from && refresh <= last) {
    const at = x(refresh);
    picture.append(svg("path", { class: "refresh", d: `M${at - 4} 0h8l-4 6z` }));
  }
  picture.append(svg("line", { class: "now", x1: x(now), x2: x(now), y1: 3, y2: 15 }));
  return picture;
}

/**
 * A part of a whole.
 *
 * @param {number} part 0 to 1.
 * @param {string} says
 */
export function ratioBar(part, says) {
  return svg("svg", { class: "ratio", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": says },
    svg("rect", { class: "whole", x: 0, y: 0, width: 100, height: 8 }),
    svg("rect", { class: "over", x: 0, y: 0, width: Math.max(0, Math.min(1, part)) * 100, height: 8 }));
}

/**
 * What a chart is about, for those who do not see it.
 *
 * @param {string} what
 * @param {Line[]} lines
 * @param {number} end
 * @param {(value: number) => string} write
 */
export function inWords(what, lines, end, write) {
  const parts = lines.map((line) => {
    const known = /** @type {number[]} */ (line.values.filter((value) => value !== null));
    if (known.length === 0) return `${line.name}: nothing`;
    return `${line.name}: ${write(known[known.length - 1])} now, ${write(Math.max(...known))} at most`;
  });
  return `${what}, until ${clock(end)}. ${parts.join("; ") || "Nothing yet"}.`;
}
