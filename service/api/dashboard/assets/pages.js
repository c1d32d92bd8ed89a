/** A list that is longer than a page: which part of it is shown, and the buttons to the others. */

import { byId, el, keepFocus } from "./dom.js";
import { count } from "./format.js";

/** Which part is shown; the rest is not in the page at all, so that thousands cost no more than one part. */
export class Pages {
  first = 0;

  /**
   * @param {string} id Of the element for the buttons.
   * @param {string} what What the lines are, for those who do not see where the buttons stand.
   * @param {number} size Lines of one part.
   * @param {() => void} again Show another part.
   */
  constructor(id, what, size, again) {
    this.place = byId(id);
    this.what = what;
    this.size = size;
    this.again = again;
  }

  /**
   * The part of a list that is at hand, with the buttons set.
   *
   * @param {any[]} every
   * @returns {any[]}
   */
  of(every) {
    this.first = Math.min(this.first, Math.max(0, Math.ceil(every.length / this.size - 1)) * this.size);
    this.show(every.length);
    return every.slice(this.first, this.first + this.size);
  }

  /** @param {number} total Lines in all. */
  show(total) {
    const last = Math.min(this.first + this.size, total);
    const buttons = [
      this.#button("first", "First", 0, this.first === 0),
      this.#button("previous", "Previous", Math.max(0, this.first - this.size), this.first === 0),
      el("span", { class: "quiet" }, `${count(this.first + 1)} to ${count(last)} of ${count(total)}`),
      this.#button("next", "Next", this.first + this.size, last >= total),
    ];
    keepFocus(this.place, () => this.place.replaceChildren(...(total > this.size ? buttons : [])));
  }

  /**
   * @param {string} key
   * @param {string} text
   * @param {number} first
   * @param {boolean} isIdle
   */
  #button(key, text, first, isIdle) {
    const act = () => {
      if (isIdle) return;
      this.first = first;
      this.again();
    };
    // Not `disabled`: the keyboard would lose its place when the last page is reached.
    return el("button", { type: "button", "data-key": key, "aria-label": `${text} ${this.what}`, "aria-disabled": isIdle ? "true" : null, onclick: act }, text);
  }
}
