/** The fleet: every replica, as its last heartbeat says. */

import { badge, byId, cell, el, foreign, numberCell, row, showRows } from "./dom.js";
import { count, counted, relative, span, utc, words } from "./format.js";
import { Pages } from "./pages.js";

const PAGE = 20;
const pages = new Pages("fleet-pages", "replicas", PAGE, () => undefined);

/**
 * @param {any} document
 * @param {number} now
 */
export function showFleet(document, now) {
  const { fleet } = document;
  if (!fleet) {
    showSum(["One replica: without Redis nobody hears of others."]);
    showRows(byId("fleet-rows"), [aloneRow(document)], "");
    return;
  }
  showSum(sumOf(fleet));
  const worst = (/** @type {any} */ one) => (one.presence === "gone" ? 0 : one.standing === "current" ? 2 : 1);
  const sorted = [...fleet.replicas].sort((one, other) => worst(one) - worst(other) || one.name.localeCompare(other.name));
  pages.again = () => showFleet(document, now);
  const rows = pages.of(sorted).map((/** @type {any} */ one) => replicaRow(one, fleet.replica, now));
  showRows(byId("fleet-rows"), rows, fleet.reachable ? "No replica was heard of." : "Redis is away: nobody is heard of.");
}

/** @param {any[]} parts */
function showSum(parts) {
  byId("fleet-sum").replaceChildren(...parts);
}

/** @param {any} fleet */
function sumOf(fleet) {
  const present = fleet.replicas.filter((/** @type {any} */ one) => one.presence === "present").length;
  const parts = [el("b", { "data-field": "present", "data-value": present }, count(present)), ` of ${counted(fleet.replicas.length, "replica")} present`];
  const { totals } = fleet;
  if (totals) {
    parts.push(" · all together ", el("b", { "data-field": "fleet-allow", "data-value": totals.allow }, count(totals.allow)), " allowed, ",
      el("b", { "data-field": "fleet-deny", "data-value": totals.deny }, count(totals.deny)), " denied since each was started");
    if (totals.counted < totals.replicas) parts.push(`, of ${count(totals.counted)} that say so`);
  }
  if (fleet.unreadable > 0) parts.push(" · ", badge("warn", `${counted(fleet.unreadable, "heartbeat")} of nobody in this fleet`));
  if (fleet.omitted > 0) parts.push(` · ${count(fleet.omitted)} not looked into`);
  return parts;
}

/**
 * @param {any} one
 * @param {string} own
 * @param {number} now
 */
function replicaRow(one, own, now) {
  const uptime = one.uptime_s ?? (Date.parse(one.at) - Date.parse(one.started_at)) / 1000;
  const verdicts = one.decisions?.reduce((/** @type {number} */ sum, /** @type {any} */ part) => sum + part.count, 0);
  return row({ "data-replica": one.name },
    cell("Replica", [foreign(one.name), one.name === own ? el("span", { class: "quiet" }, " answers you") : null, one.role === "prefetch" ? badge("quiet", "prefetch") : null]),
    cell("State", stateOf(one)),
    cell("Version", foreign(one.version)),
    cell("Up for", span(uptime), { class: "number", title: `since ${utc(one.started_at)}` }),
    numberCell("Workers", one.workers, count),
    numberCell("Generation", one.host?.generation, count, { "data-field": "generation" }),
    numberCell("CRLs", one.host?.crls, count, { title: one.host ? `digest ${one.host.crls_digest}` : null }),
    numberCell("Blocks", one.host?.blocks, count),
    numberCell("Leases held", one.leases?.held, count, { title: one.leases ? `${count(one.leases.taken)} taken since its start` : null }),
    numberCell("Verdicts", verdicts, count),
    cell("Heard", relative(one.at, now), { title: utc(one.at) }));
}

/** @param {any} one */
function stateOf(one) {
  const gone = one.presence === "gone";
  const level = gone ? "bad" : one.standing === "current" ? "good" : "warn";
  return [
    badge(level, gone ? "gone" : words(one.standing)),
    one.name_taken ? badge("warn", "name taken") : null,
    one.reason ? foreign(one.reason, "foreign below") : null,
    one.refused > 0 ? el("span", { class: "below" }, `refused ${count(one.refused)} of what Redis holds`) : null,
  ];
}

/** @param {any} document */
function aloneRow(document) {
  return row({},
    cell("Replica", "this one"), cell("State", badge("good", "answers")), cell("Version", foreign(document.version)),
    cell("Up for", span(document.uptime_s), { class: "number", title: `since ${utc(document.started_at)}` }),
    numberCell("Workers", document.workers?.length, count),
    numberCell("Generation", document.host?.generation, count, { "data-field": "generation" }),
    numberCell("CRLs", document.host?.crls.held, count), numberCell("Blocks", document.host?.blocks, count),
    cell("Leases held", "–", { class: "number" }),
    numberCell("Verdicts", document.totals?.decisions, count), cell("Heard", "now"));
}
