/** What would have been denied, where a denial is answered as allow. */

import { byId, cell, el, foreign, numberCell, row, say, showRows } from "./dom.js";
import { count, relative, utc } from "./format.js";

const SHOWN = 20;

/**
 * @param {any} document
 * @param {number} now
 */
export function showShadow(document, now) {
  const { total = 0, denials = [], recent = [] } = document.shadow ?? {};
  byId("shadow-parts").hidden = total === 0;
  const sum = byId("shadow-sum");
  if (total === 0) {
    say(sum, "Nothing was allowed that would have been denied: nobody is in shadow, or nothing was to be denied.");
    return;
  }
  sum.replaceChildren(el("b", { "data-field": "shadow-total", "data-value": total }, count(total)), " allowed in shadow that would have been denied.");
  showRows(byId("shadow-counts"), denials.map((/** @type {any} */ one) => row({},
    cell("Code", el("code", {}, one.code)), cell("Trust store", foreign(one.trust_store)), numberCell("Count", one.count, count))), "None.");
  showRows(byId("shadow-recent"), recent.slice(0, SHOWN).map((/** @type {any} */ one) => row({},
    cell("When", relative(one.at, now), { title: utc(one.at) }), cell("Code", el("code", {}, one.code)),
    cell("Certificate", [foreign(one.subject, "foreign name"), el("span", { class: "below code" }, one.serial_number)], { class: "names" }))), "None.");
}
