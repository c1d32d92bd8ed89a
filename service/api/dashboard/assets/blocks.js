/** Blocks: what is denied at once, and the form to say so. */

import { badge, byId, cell, el, foreign, row, say, showRows } from "./dom.js";
import { counted, relative, utc } from "./format.js";
import { Pages } from "./pages.js";

const PAGE = 10;

/** The fields of each form of a block: of the request, and of the page. */
const FORMS = /** @type {const} */ ({
  fingerprint: { fingerprint_sha256: "block-fingerprint" },
  spki: { spki_sha256: "block-spki" },
  serial: { issuer: "block-issuer", serial_number: "block-serial" },
});

/** @typedef {keyof typeof FORMS} Form */

/** The list of blocks, and the form. */
export class Blocks {
  /** @type {any[]} */
  #blocks = [];
  /** @type {string | null} The block whose removal waits for a second word. */
  #asked = null;

  /** @param {{api: import("./api.js").Api, now: () => number}} context */
  constructor(context) {
    this.context = context;
    this.pages = new Pages("blocks-pages", "blocks", PAGE, () => this.#show());
    byId("blocks-search").addEventListener("input", () => {
      this.pages.first = 0;
      this.#show();
    });
    byId("block-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#add();
    });
    for (const choice of document.querySelectorAll('#block-form input[name="form"]')) {
      choice.addEventListener("change", () => this.#choose(this.#form));
    }
    this.#choose("fingerprint");
  }

  /** @returns {Form} */
  get #form() {
    const chosen = document.querySelector('#block-form input[name="form"]:checked');
    return /** @type {Form} */ (/** @type {HTMLInputElement} */ (chosen).value);
  }

  /** @param {Form} form */
  #choose(form) {
    for (const part of document.querySelectorAll("#block-form [data-form]")) {
      const isMeant = part.getAttribute("data-form") === form;
      /** @type {HTMLElement} */ (part).hidden = !isMeant;
      /** @type {HTMLInputElement} */ (part.querySelector("input")).required = isMeant;
    }
  }

  /**
   * Fill the form in for a certificate that is shown elsewhere, and go there.
   *
   * @param {any} certificate With `fingerprint_sha256`.
   */
  prepare(certificate) {
    const choice = /** @type {HTMLInputElement} */ (document.querySelector('#block-form input[value="fingerprint"]'));
    choice.checked = true;
    this.#choose("fingerprint");
    byId("block-fingerprint").value = certificate.fingerprint_sha256;
    byId("block-form").scrollIntoView({ block: "center" });
    byId("block-reason").focus({ preventScroll: true });
  }

  /** Ask for all of them. */
  async load() {
    try {
      const document = await this.context.api.get("v1/blocks");
      this.#blocks = [...document.blocks].reverse();
      this.#show();
    } catch (error) {
      say(byId("blocks-note"), /** @type {Error} */ (error).message);
    }
  }

  #show() {
    const part = byId("blocks-search").value.toLowerCase();
    const wanted = this.#blocks.filter((block) => part === "" || wordsOf(block).toLowerCase().includes(part));
    const rows = this.pages.of(wanted).map((block) => this.#row(block));
    showRows(byId("blocks-rows"), rows, this.#blocks.length === 0 ? "Nothing is blocked." : "No block has this.");
    say(byId("blocks-note"), counted(wanted.length, "block"));
  }

  /** @param {any} block */
  #row(block) {
    const now = this.context.now();
    return row({ "data-block": block.id },
      cell("In force", block.in_force ? badge("bad", "denies") : badge("quiet", "over")),
      cell("What", whatOf(block), { class: "names" }),
      cell("Reason", foreign(block.reason), { class: "names" }),
      cell("Made", [relative(block.created_at, now), foreign(block.created_by, "foreign below")], { title: utc(block.created_at) }),
      cell("Until", block.until === null ? "removed" : relative(block.until, now), { class: "when", title: block.until === null ? null : utc(block.until) }),
      cell("Remove", this.#buttons(block.id)));
  }

  /** @param {string} id */
  #buttons(id) {
    const ask = (/** @type {string | null} */ one, /** @type {string} */ key) => () => {
      this.#asked = one;
      this.#show();
      /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${CSS.escape(key)}"]`))?.focus();
    };
    if (this.#asked !== id) {
      return el("button", { type: "button", "data-key": `remove ${id}`, "aria-label": `Remove block ${id}`, onclick: ask(id, `keep ${id}`) }, "Remove …");
    }
    return [
      el("button", { type: "button", class: "danger", "data-key": `really ${id}`, onclick: () => this.#remove(id) }, "Remove it"), " ",
      el("button", { type: "button", "data-key": `keep ${id}`, onclick: ask(null, `remove ${id}`) }, "Keep it"),
    ];
  }

  async #add() {
    /** @type {Record<string, string>} */
    const request = { reason: byId("block-reason").value };
    for (const [field, id] of Object.entries(FORMS[this.#form])) request[field] = byId(id).value.trim();
    const until = byId("block-until").value.trim();
    if (until !== "") request.until = momentOf(until);
    await this.#change(async () => {
      const block = await this.context.api.post("v1/blocks", request);
      byId("block-form").reset();
      this.#choose("fingerprint");
      return `Blocked, and in force: ${block.id}.`;
    });
  }

  /** @param {string} id */
  async #remove(id) {
    this.#asked = null;
    await this.#change(async () => {
      await this.context.api.remove(`v1/blocks/${encodeURIComponent(id)}`);
      return `Removed: ${id}.`;
    });
    byId("blocks-search").focus({ preventScroll: true });
  }

  /** @param {() => Promise<string>} change */
  async #change(change) {
    say(byId("block-error"), "");
    say(byId("block-done"), "Asking …");
    try {
      say(byId("block-done"), await change());
    } catch (error) {
      say(byId("block-done"), "");
      say(byId("block-error"), /** @type {Error} */ (error).message);
    }
    await this.load();
  }
}

/**
 * A moment as the service reads it. Not a field of dates: those show days in an order that depends on the browser, and
 * hours of nobody says which zone.
 *
 * @param {string} text `2030-12-31 18:00`, with a day alone or seconds as well; anything else is for the service to refuse.
 */
function momentOf(text) {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(:\d{2})?Z?)?$/.exec(text);
  return parts === null ? text : `${parts[1]}T${parts[2] ?? "00:00"}${parts[3] ?? ":00"}Z`;
}

/** @param {any} block */
function whatOf(block) {
  if (block.fingerprint_sha256 !== null) return [el("span", { class: "quiet" }, "certificate "), el("code", {}, block.fingerprint_sha256)];
  if (block.spki_sha256 !== null) return [el("span", { class: "quiet" }, "key "), el("code", {}, block.spki_sha256)];
  return [foreign(block.issuer, "foreign name"), el("span", { class: "below code" }, block.serial_number)];
}

/** @param {any} block */
function wordsOf(block) {
  return [block.id, block.fingerprint_sha256, block.spki_sha256, block.issuer, block.serial_number, block.reason, block.created_by].join(" ");
}
