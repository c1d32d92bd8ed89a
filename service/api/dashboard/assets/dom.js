/**
 * Building what is shown: elements, text and nothing else.
 *
 * Rule it keeps: whatever comes from the service becomes text (a text node or an attribute that is no code), never markup.
 * Subjects, issuers and URLs are written by whoever asked for a certificate.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * The element of the page with this id.
 *
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes `on…` is a listener; null, undefined and false leave one out.
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
  return element;
}

/**
 * An element.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An element of a picture.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const MOST_FOREIGN = 240;
/** A name of ten kilobytes would push everything else off the page. */

/** What is not seen, or turns the direction of what is: controls, marks and joiners of no width. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * Text that a stranger has chosen: it cannot turn the direction of what stands beside it, hides nothing, and has an end.
 *
 * @param {unknown} text
 * @param {string} [name] Class.
 * @param {number} [most] Characters that are shown; the service has the others.
 */
export function foreign(text, name = "foreign", most = MOST_FOREIGN) {
  const whole = String(text ?? "");
  const shown = whole.slice(0, most).replace(UNSEEN, (one) => `\\u{${one.charCodeAt(0).toString(16)}}`);
  const rest = whole.length > most ? ` … (${whole.length} characters)` : "";
  return el("bdi", { class: name, dir: "auto" }, shown + rest);
}

/**
 * A cell of a table.
 *
 * @param {string} label What its column is called, for narrow screens.
 * @param {Child | Child[]} content
 * @param {Record<string, any>} [attributes]
 */
export function cell(label, content, attributes = {}) {
  return el("td", { role: "cell", "data-label": label, ...attributes }, ...[content].flat());
}

/**
 * A number in a cell: what is shown, and what the document says.
 *
 * @param {string} label
 * @param {unknown} value
 * @param {(value: any) => string} write
 * @param {Record<string, any>} [attributes]
 */
export function numberCell(label, value, write, attributes = {}) {
  const known = value !== null && value !== undefined;
  return cell(label, known ? write(value) : "–", {
    class: "number",
    "data-value": known ? String(value) : null,
    ...attributes,
  });
}

/**
 * A row.
 *
 * @param {Record<string, any>} attributes
 * @param {...Child} cells
 */
export function row(attributes, ...cells) {
  return el("tr", { role: "row", ...attributes }, ...cells);
}

/**
 * Put rows into a table, or say that there are none.
 *
 * @param {Element} body The `tbody`.
 * @param {Element[]} rows
 * @param {string} nothing What is said where there are none.
 */
export function showRows(body, rows, nothing) {
  const columns = body.closest("table")?.querySelectorAll("thead th").length ?? 1;
  const shown = rows.length > 0 ? rows : [row({ class: "nothing" }, cell("", nothing, { colspan: columns }))];
  keepFocus(body, () => body.replaceChildren(...shown));
}

/** How long a button of a pointer is taken to be pressed: who has let it go outside the window has told nobody. */
const PRESSED_MS = 5_000;

/** @type {EventTarget | null} What a pointer is pressed on. */
let pressed = null;

/** @type {Map<Element, () => void>} What is replaced when it is let go. */
const held = new Map();

let expiry = 0;

addEventListener("pointerdown", (event) => {
  pressed = event.target;
  clearTimeout(expiry);
  expiry = setTimeout(letGo, PRESSED_MS);
}, true);
addEventListener("pointercancel", letGo, true);
addEventListener("pointerup", () => {
  pressed = null; // what the click does is shown at once
  setTimeout(letGo); // and comes first
}, true);

function letGo() {
  pressed = null;
  const waiting = [...held];
  held.clear();
  for (const [part, replace] of waiting) keepFocus(part, replace);
}

/**
 * Replace a part of the page and leave the keyboard where it was: elements with the same `data-key` are the same.
 *
 * While a pointer is pressed in it, it stays: a click is one only where the same element is pressed and let go.
 *
 * @param {Element} part
 * @param {() => void} replace
 */
export function keepFocus(part, replace) {
  if (pressed instanceof Node && part.contains(pressed)) {
    held.set(part, replace);
    return;
  }
  held.delete(part);
  const active = document.activeElement;
  const key = active !== null && part.contains(active) ? active.getAttribute("data-key") : null;
  replace();
  if (key === null) return;
  const again = part.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/**
 * A word with a colour and a sign: colour alone tells nothing to some.
 *
 * @param {"good" | "warn" | "bad" | "quiet"} level
 * @param {Child} text
 */
export function badge(level, text) {
  return el("span", { class: `badge ${level}` }, text);
}

/**
 * Write a text where it differs: what is read aloud is not read again for nothing.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A list of facts.
 *
 * @param {Array<[string, Child | Child[]]>} facts Those that are empty are left out.
 */
export function facts(facts) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, ...known.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, ...[value].flat()))));
}
