/** The last denials, and what each rested on. */

import { badge, byId, cell, el, facts, foreign, keepFocus, row, say, showRows } from "./dom.js";
import { counted, relative, utc, words } from "./format.js";
import { documentTree } from "./tree.js";

const PAGE = 10;

/** The list of decisions that are kept. */
export class Decisions {
  #asked = 0;
  /** @type {string[]} Where the pages before this one began; the first is the newest. */
  #before = [];
  /** @type {string | null} */
  #next = null;
  /** @type {Map<string, Element>} What is open, by decision: it stays open when news come. */
  #open = new Map();

  /** @param {{api: import("./api.js").Api, now: () => number, block: (certificate: any) => void}} context */
  constructor(context) {
    this.context = context;
    for (const id of ["decisions-code", "decisions-decision"]) {
      byId(id).addEventListener("change", () => {
        this.#before = [];
        void this.load();
      });
    }
    byId("decisions-form").addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  }

  /**
   * The codes that may be chosen.
   *
   * @param {any} document Of `/v1/stats`.
   */
  offer(document) {
    const choice = byId("decisions-code");
    const known = new Set([...choice.options].map((option) => option.value));
    const codes = (document.decisions ?? []).map((/** @type {any} */ one) => one.code);
    for (const code of new Set(codes)) if (!known.has(code)) choice.append(el("option", { value: code }, code));
  }

  /** News have come: shown where the newest are shown. */
  async refresh() {
    if (this.#before.length === 0) await this.load();
  }

  /** Ask for the page that is shown. */
  async load() {
    const mine = ++this.#asked;
    const query = new URLSearchParams({ limit: String(PAGE) });
    const before = this.#before.at(-1);
    if (before !== undefined) query.set("before", before);
    for (const name of ["code", "decision"]) {
      const value = byId(`decisions-${name}`).value;
      if (value !== "") query.set(name, value);
    }
    try {
      const document = await this.context.api.get(`v1/decisions?${query}`);
      if (mine !== this.#asked) return;
      this.#next = document.next ?? null;
      this.#show(document.decisions);
      say(byId("decisions-error"), "");
    } catch (error) {
      if (mine === this.#asked) say(byId("decisions-error"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {any[]} decisions */
  #show(decisions) {
    const rows = decisions.flatMap((one) => {
      const shown = this.#open.get(one.decision_id);
      return shown === undefined ? [this.#row(one)] : [this.#row(one), shown];
    });
    showRows(byId("decisions-rows"), rows, "None is kept.");
    this.#showPages();
  }

  #showPages() {
    const older = () => {
      if (this.#next === null) return;
      this.#before.push(this.#next);
      void this.load();
    };
    const newest = () => {
      this.#before = [];
      void this.load();
    };
    const isNewest = this.#before.length === 0;
    const buttons = isNewest && this.#next === null ? [] : [
      el("button", { type: "button", "data-key": "newest", "aria-disabled": isNewest ? "true" : null, onclick: newest }, "Newest"),
      el("button", { type: "button", "data-key": "older", "aria-disabled": this.#next === null ? "true" : null, onclick: older }, "Older"),
    ];
    keepFocus(byId("decisions-pages"), () => byId("decisions-pages").replaceChildren(...buttons));
    say(byId("decisions-note"), isNewest ? "" : "Older ones: news are not shown here.");
  }

  /** @param {any} one */
  #row(one) {
    const now = this.context.now();
    const isOpen = this.#open.has(one.decision_id);
    const toggle = (/** @type {Event} */ event) => this.#toggle(one, /** @type {Element} */ (event.currentTarget));
    return row({ "data-decision-id": one.decision_id, "data-code": one.code },
      cell("When", relative(one.at, now), { class: "when", title: utc(one.at) }),
      cell("Decision", [badge(one.decision === "allow" ? "good" : "bad", one.decision), one.enforced ? badge("warn", "shadow") : null]),
      cell("Why", [el("code", {}, one.enforced ?? one.code), foreign(one.detail, "foreign below"), one.left_out > 0 ? el("span", { class: "below" }, `and ${counted(one.left_out, "time")} more`) : null], { class: "names" }),
      cell("Certificate", [
        one.subject === null ? el("span", { class: "quiet" }, "cannot be read") : foreign(one.subject || "(no subject)", "foreign name"),
        one.serial_number ? el("span", { class: "below code" }, one.serial_number) : null,
      ], { class: "names" }),
      cell("Came in at", [foreign(one.front), one.trust_store === "default" ? null : foreign(one.trust_store, "foreign below")]),
      cell("Evidence", el("button", {
        type: "button", "data-key": `open ${one.decision_id}`, "aria-expanded": String(isOpen),
        "aria-label": `Evidence of decision ${one.decision_id}`, onclick: toggle,
      }, isOpen ? "Close" : "Open")));
  }

  /**
   * @param {any} one
   * @param {Element} button
   */
  #toggle(one, button) {
    const id = one.decision_id;
    const open = this.#open.get(id);
    button.setAttribute("aria-expanded", String(open === undefined));
    button.textContent = open === undefined ? "Close" : "Open";
    if (open !== undefined) {
      this.#open.delete(id);
      open.remove();
      return;
    }
    const place = el("td", { role: "cell", colspan: 6 }, "Asking …");
    const shown = row({ class: "opened", "data-evidence-of": id }, place);
    this.#open.set(id, shown);
    button.closest("tr")?.after(shown);
    void this.#fill(id, place);
  }

  /**
   * @param {string} id
   * @param {Element} place
   */
  async #fill(id, place) {
    try {
      const one = await this.context.api.get(`v1/decisions/${encodeURIComponent(id)}`);
      place.replaceChildren(this.#evidence(one));
    } catch (error) {
      place.replaceChildren(el("p", { class: "error", role: "alert" }, /** @type {Error} */ (error).message));
    }
  }

  /** @param {any} one */
  #evidence(one) {
    const now = this.context.now();
    const block = () => this.context.block(one);
    return el("div", { class: "tree" },
      el("p", {}, foreign(one.detail)),
      facts([
        ["Decided", `${utc(one.at)} (${relative(one.at, now)})`],
        ["Decision", el("code", {}, one.decision_id)],
        ["Gave again", one.repeats ? el("code", {}, one.repeats) : null],
        ["Status", words(one.status)],
        ["In shadow, instead of", one.enforced ? el("code", {}, one.enforced) : null],
        ["Trust store", foreign(one.trust_store)],
        ["Issuer", one.issuer ? foreign(one.issuer) : null],
        ["Serial number", one.serial_number ? el("code", {}, one.serial_number) : null],
        ["SHA-256", one.fingerprint_sha256 ? el("code", {}, one.fingerprint_sha256) : null],
      ]),
      one.case ? documentTree("what it rests on", one.case, true) : el("p", { class: "quiet" }, "What it rests on is not kept."),
      one.fingerprint_sha256 ? el("p", {}, el("button", { type: "button", onclick: block }, "Block this certificate …")) : null);
  }
}
