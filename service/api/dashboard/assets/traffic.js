/** Verdicts: how many, what, and how long they take. */

import { inWords, timeChart } from "./charts.js";
import { badge, byId, cell, el, numberCell, row, showRows } from "./dom.js";
import { count, latency, rate } from "./format.js";
import { bucketsOf, decisionsOf, quantile } from "./history.js";

const COLOURS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const COLOUR_OF = {
  ok: "ok", revoked: "g", expired: "b", untrusted: "c", blocked: "h", revocation_unavailable: "e", malformed: "d", not_yet_valid: "f",
};
const PARTS = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]];

/** @typedef {import("./history.js").History} History */

/**
 * @param {any} document
 * @param {History} history
 */
export function showTraffic(document, history) {
  const end = Date.parse(document.at);
  showVerdicts("chart-allow", "Allowed a second", history, end, (key) => key.startsWith("allow "));
  showVerdicts("chart-deny", "Denied a second", history, end, (key) => key.startsWith("deny "));
  showQuantiles(history, end);
  showCodes(document, history);
  showLatency(document, history);
}

/**
 * @param {string} id
 * @param {string} what
 * @param {History} history
 * @param {number} end
 * @param {(key: string) => boolean} wanted
 */
function showVerdicts(id, what, history, end, wanted) {
  const { times, series } = history.rates(wanted);
  const lines = [...series].map(([key, values]) => ({ name: key.split(" ")[1], colour: colourOf(key), values }));
  byId(id).replaceChildren(timeChart({ times, lines, end, write: rate, stacked: true, says: inWords(what, lines, end, rate) }));
}

/**
 * @param {History} history
 * @param {number} end
 */
function showQuantiles(history, end) {
  const { times, series } = history.quantiles(PARTS.map(([, part]) => Number(part)));
  const lines = series.map((values, index) => ({ name: String(PARTS[index][0]), colour: COLOURS[index], values }));
  const says = inWords("Time to a verdict", lines, end, latency);
  byId("chart-latency").replaceChildren(timeChart({ times, lines, end, write: latency, says }));
}

/**
 * The colour of a code: the same in every browser and on every day, since people remember it.
 *
 * @param {string} key
 */
function colourOf(key) {
  const code = key.split(" ")[1];
  const known = COLOUR_OF[/** @type {keyof typeof COLOUR_OF} */ (code)];
  if (known !== undefined) return known;
  const sum = [...code].reduce((before, letter) => before + letter.charCodeAt(0), 0);
  return COLOURS[sum % COLOURS.length];
}

/**
 * @param {any} document
 * @param {History} history
 */
function showCodes(document, history) {
  const fronts = frontsOf(document);
  const found = [...decisionsOf(document)].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
  const rows = found.map(([key, total]) => {
    const [decision, code] = key.split(" ");
    return row({ "data-code": code, "data-decision": decision },
      cell("Decision", badge(decision === "allow" ? "good" : "bad", decision)),
      cell("Code", [el("span", { class: `key ${colourOf(key)}`, "aria-hidden": "true" }), el("code", {}, code)]),
      numberCell("a second", history.rate(key), rate, { "data-value": null }),
      numberCell("since start", total, count),
      cell("came in at", (fronts.get(key) ?? []).join(", "), { class: "quiet" }));
  });
  showRows(byId("codes"), rows, "No verdict yet.");
}

/** @param {any} document */
function frontsOf(document) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const { decision, code, fronts } of document.decisions ?? []) {
    const parts = Object.entries(fronts ?? {}).sort((one, other) => Number(other[1]) - Number(one[1]));
    found.set(`${decision} ${code}`, parts.map(([front, number]) => `${front} ${count(Number(number))}`));
  }
  return found;
}

/**
 * @param {any} document
 * @param {History} history
 */
function showLatency(document, history) {
  const { buckets: recent, seconds } = history.lastMinute();
  const lately = recent.at(-1)?.count ?? 0;
  const whole = bucketsOf(document);
  const given = document.latency ?? {};
  const rows = PARTS.map(([name, part]) => row({ "data-part": name },
    el("th", { role: "rowheader", scope: "row" }, name),
    numberCell("last minute", quantile(recent, Number(part)), latency, { "data-value": null }),
    numberCell("since start", given[`${name}_s`] ?? quantile(whole, Number(part)), latency)));
  const mean = given.count > 0 ? given.sum_s / given.count : null;
  rows.push(row({ "data-part": "mean" }, el("th", { role: "rowheader", scope: "row" }, "mean"), 
    numberCell("last minute", lately > 0 ? seconds / lately : null, latency, { "data-value": null }),
    numberCell("since start", mean, latency, { "data-value": null })));
  rows.push(row({ "data-part": "count" }, el("th", { role: "rowheader", scope: "row" }, "measured"),
    numberCell("last minute", history.isComparable ? lately : null, count, { "data-value": null }),
    numberCell("since start", given.count, count)));
  showRows(byId("latency"), rows, "");
}
