/** A certificate that somebody pastes, and the verdict about it. The service decides; here it is only drawn. */

import { byId, el, say } from "./dom.js";
import { verdictTree } from "./tree.js";

/** The box. */
export class Explain {
  #asked = 0;

  /** @param {{api: import("./api.js").Api, now: () => number, block: (certificate: any) => void}} context */
  constructor(context) {
    this.context = context;
    byId("explain-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#ask();
    });
  }

  async #ask() {
    const mine = ++this.#asked;
    const place = byId("explain-answer");
    say(byId("explain-error"), "");
    place.replaceChildren(el("p", { class: "quiet" }, "Asking …"));
    const request = { certificate: byId("explain-certificate").value, trust_store: byId("explain-store").value.trim() || "default" };
    try {
      const answer = await this.context.api.post("v1/validate", request);
      if (mine === this.#asked) place.replaceChildren(verdictTree(answer, this.context.now()), this.#levers(answer));
    } catch (error) {
      if (mine !== this.#asked) return;
      place.replaceChildren();
      say(byId("explain-error"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {any} answer */
  #levers(answer) {
    const block = () => this.context.block(answer);
    return answer.fingerprint_sha256 === null ? "" : el("p", {}, el("button", { type: "button", onclick: block }, "Block this certificate …"));
  }
}
