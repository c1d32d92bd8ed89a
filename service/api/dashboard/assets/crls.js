/** CRLs and their sources: the worst first, a page at a time. Sorting, searching and paging are the service's. */

import { lifeBar } from "./charts.js";
import { badge, byId, cell, el, foreign, numberCell, row, say, showRows } from "./dom.js";
import { bytes, count, counted, millis, relative, span, utc, words } from "./format.js";
import { Pages } from "./pages.js";

const PAGE = 15;
const TYPING_MS = 250;

const STATUSES = /** @type {const} */ ({
  ended: ["bad", "May not be used any more"],
  stale: ["warn", "Overdue: used by grace alone"],
  failed: ["warn", "Nothing of this source is held"],
  due: ["warn", "A newer one is due"],
  pending: ["quiet", "Waits for its issuer to become known"],
  never: ["quiet", "Not tried yet"],
  fresh: ["good", "May be used, and nothing is due"],
});

/** The list of CRLs. */
export class Crls {
  #asked = 0;
  #typing = 0;

  /** @param {{api: import("./api.js").Api, now: () => number}} context */
  constructor(context) {
    this.context = context;
    this.pages = new Pages("crls-pages", "CRLs", PAGE, () => this.load());
    const choice = byId("crls-status");
    choice.append(...Object.keys(STATUSES).map((status) => el("option", { value: status }, status)));
    choice.addEventListener("change", () => this.#search());
    byId("crls-search").addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#search(), TYPING_MS);
    });
    byId("crls-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#search();
    });
  }

  #search() {
    this.pages.first = 0;
    void this.load();
  }

  /** Ask for the page that is shown. */
  async load() {
    const mine = ++this.#asked;
    const query = new URLSearchParams({ order: "urgency", limit: String(PAGE) });
    if (this.pages.first > 0) query.set("skip", String(this.pages.first));
    if (byId("crls-search").value !== "") query.set("search", byId("crls-search").value);
    if (byId("crls-status").value !== "") query.set("status", byId("crls-status").value);
    try {
      const document = await this.context.api.get(`v1/crls?${query}`);
      if (mine !== this.#asked) return;
      if (document.crls.length === 0 && document.total > 0 && this.pages.first > 0) return void this.#search();
      this.#show(document);
      say(byId("crls-error"), "");
    } catch (error) {
      if (mine === this.#asked) say(byId("crls-error"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {any} document */
  #show(document) {
    const now = this.context.now();
    showRows(byId("crls-rows"), document.crls.map((/** @type {any} */ line) => lineRow(line, now)), "No CRL and no source is so.");
    this.pages.show(document.total);
    say(byId("crls-note"), counted(document.total, "line"));
  }
}

/**
 * What all of them are, in a line.
 *
 * @param {any} document Of `/v1/stats`.
 */
export function showCrlSums(document) {
  const place = byId("crls-sum");
  if (!document.host) {
    say(place, "The store cannot be read.");
    return;
  }
  const { crls, sources, prefetcher } = document.host;
  const statuses = Object.entries(crls.by_status).filter(([, number]) => Number(number) > 0);
  place.replaceChildren(
    fact("held", crls.held, count), " held, ", fact("entries", crls.entries, count), " entries, ", fact("size", crls.size, bytes), " · ",
    ...statuses.flatMap(([status, number]) => [badge(levelOf(status), `${count(Number(number))} ${status}`), " "]),
    `· ${counted(sources.configured + sources.learned, "source")} · prefetcher `,
    prefetcher.alive ? badge("good", "alive") : badge("bad", "silent"),
    ...(prefetcher.alive && prefetcher.due > 0 ? [` ${count(prefetcher.due)} due for ${span(prefetcher.lag_s)}`] : []));
}

/**
 * @param {string} field
 * @param {any} value
 * @param {(value: any) => string} write
 */
function fact(field, value, write) {
  return el("b", { "data-field": field, "data-value": value }, write(value));
}

/** @param {string} status */
function levelOf(status) {
  return STATUSES[/** @type {keyof typeof STATUSES} */ (status)]?.[0] ?? "quiet";
}

/**
 * @param {any} line
 * @param {number} now
 */
function lineRow(line, now) {
  const meaning = STATUSES[/** @type {keyof typeof STATUSES} */ (line.status)]?.[1] ?? "";
  const source = line.source ?? line.fetched_from;
  return row({ "data-id": line.id, "data-status": line.status },
    cell("Status", [badge(levelOf(line.status), line.status), line.stalled ? badge("warn", "number stands still") : null], { title: meaning }),
    cell("Issuer and source", [
      line.issuer === null ? el("span", { class: "quiet" }, "nothing held") : foreign(line.issuer, "foreign name"),
      line.scope?.length > 0 ? foreign(line.scope.join(" · "), "foreign below") : null,
      line.base_crl_number === null ? null : el("span", { class: "below" }, `delta of ${count(line.base_crl_number)}`),
      source === null ? null : foreign(source, "foreign below"),
    ], { class: "names" }),
    numberCell("Number", line.crl_number, (value) => shortened(String(value)), { title: line.crl_number === null ? null : String(line.crl_number) }),
    numberCell("Entries", line.entries, count),
    numberCell("Size", line.size, bytes),
    cell("Lifetime", lifeOf(line, now), { class: "life-cell" }),
    cell("Last error", errorOf(line, now), { class: "names" }),
    cell("Next try", line.progress ? progressOf(line.progress) : relative(line.next_attempt, now), { class: "when", title: utc(line.next_attempt) }));
}

/** @param {string} digits A CRL number may have fifty. */
function shortened(digits) {
  return digits.length > 16 ? `${digits.slice(0, 6)}…${digits.slice(-6)}` : digits;
}

/**
 * @param {any} line
 * @param {number} now
 */
function lifeOf(line, now) {
  const from = millis(line.this_update);
  const to = millis(line.next_update);
  if (from === null) return "–";
  const age = `${span((now - from) / 1000)} old`;
  if (to === null) return `${age}, no nextUpdate`;
  const end = now > to ? `ended ${relative(line.next_update, now)}` : `ends ${relative(line.next_update, now)}`;
  const refresh = millis(line.next_attempt);
  const says = `From ${utc(line.this_update)} to ${utc(line.next_update)}: ${age}, ${end}${refresh === null ? "" : `, refreshed ${relative(line.next_attempt, now)}`}`;
  return [
    lifeBar({ from, to, now, refresh, level: levelOf(line.status), says }),
    el("span", { class: "below" }, `${age} · ${end}`),
  ];
}

/**
 * @param {any} line
 * @param {number} now
 */
function errorOf(line, now) {
  if (!line.problem) return el("span", { class: "quiet" }, "none");
  return [
    el("code", { class: "problem" }, line.problem),
    line.detail ? foreign(line.detail, "foreign below") : null,
    el("span", { class: "below", title: utc(line.last_attempt) }, `${counted(line.failures ?? 0, "time")} in a row, ${relative(line.last_attempt, now)}`),
  ];
}

/** @param {any} progress */
function progressOf(progress) {
  const total = progress.total ? ` of ${bytes(progress.total)}` : "";
  return `${words(progress.phase)}: ${bytes(progress.done)}${total}`;
}
