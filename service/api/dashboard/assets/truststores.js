/** The trust stores: whom they trust, and for how many days. */

import { badge, byId, cell, el, foreign, keepFocus, row, say } from "./dom.js";
import { count, counted, utcDay } from "./format.js";

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;
const SHOWN = 25;
/** Certificates of one store that are listed: those that end soonest; bundles of hundreds exist. */
const STORES = 20;

/** The list of trust stores. */
export class TrustStores {
  /** @type {any[]} */
  stores = [];

  /** @param {{api: import("./api.js").Api, now: () => number}} context */
  constructor(context) {
    this.context = context;
  }

  async load() {
    try {
      const document = await this.context.api.get(`v1/trust-stores?limit=${STORES}&certificates=${SHOWN}`);
      this.stores = document.trust_stores ?? [];
      this.#show(document.total ?? this.stores.length);
      say(byId("trust-stores-error"), "");
    } catch (error) {
      say(byId("trust-stores-error"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {number} total */
  #show(total) {
    const place = byId("trust-stores-list");
    const now = this.context.now();
    const parts = this.stores.map((store) => storePart(store, now));
    if (total > parts.length) parts.push(el("p", { class: "quiet" }, `${count(total - parts.length)} more, none of them worse.`));
    keepFocus(place, () => place.replaceChildren(...parts));
    byId("explain-stores").replaceChildren(...this.stores.map((store) => el("option", { value: store.name })));
  }
}

/**
 * @param {any} store
 * @param {number} now
 */
function storePart(store, now) {
  const certificates = store.certificates ?? [];
  const omitted = store.omitted ?? 0;
  const caption = [foreign(store.name), " ", el("span", { class: "quiet" }, counted(store.total ?? certificates.length, "certificate"))];
  const rows = certificates.map((/** @type {any} */ one) => certificateRow(one, now));
  if (omitted > 0) rows.push(row({ class: "nothing" }, cell("", `${count(omitted)} more that end later`, { colspan: 3 })));
  return el("div", { class: "scroll", role: "group", tabindex: "0", "aria-label": `Trust store ${store.name}`, "data-key": `store ${store.name}` },
    el("table", { role: "table" },
      el("caption", {}, ...caption, store.problem ? [" ", badge("bad", "cannot be used as written"), foreign(store.problem, "foreign below")] : null),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "CA"), el("th", { scope: "col" }, "Is"), el("th", { scope: "col", class: "number" }, "Days left"))),
      el("tbody", {}, ...rows)));
}

/**
 * @param {any} one
 * @param {number} now
 */
function certificateRow(one, now) {
  const days = Math.floor((Date.parse(one.not_after) - now) / DAY_MS);
  const level = days < 0 ? "bad" : days < SOON_DAYS ? "warn" : null;
  const text = days < 0 ? `ended ${count(-days)} d ago` : count(days);
  return row({},
    cell("CA", foreign(one.subject, "foreign name"), { class: "names", title: one.fingerprint_sha256 }),
    cell("Is", one.is_anchor ? "anchor" : "intermediate", { class: "quiet" }),
    cell("Days left", level === null ? text : badge(level, text), { class: "number", title: `until ${utcDay(one.not_after)}`, "data-value": days }));
}
