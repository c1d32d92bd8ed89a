/** Why a verdict is what it is, as a tree: the verdict, its path, and what each certificate of it rests on. */

import { badge, el, facts, foreign } from "./dom.js";
import { count, relative, utc, words } from "./format.js";

const MOST = 100;
/** Members of one branch that are shown: evidence may list more, and the service has it all. */
const DEEPEST = 12;
const WHOLE = 4_096;
/** Characters of a name that somebody has asked about himself. */

const LEVELS = /** @type {const} */ ({ good: "good", revoked: "bad", unknown: "warn", not_checked: "quiet", invalid: "bad" });

/** @param {string} status */
function level(status) {
  return LEVELS[/** @type {keyof typeof LEVELS} */ (status)] ?? "quiet";
}

/**
 * The tree of an answer of `/v1/validate`.
 *
 * @param {any} answer
 * @param {number} now
 */
export function verdictTree(answer, now) {
  const path = answer.path ?? [];
  const enforced = answer.enforced;
  return el("div", { class: "tree" },
    el("p", { class: "verdict", "data-decision": answer.decision, "data-code": answer.code },
      badge(answer.decision === "allow" ? "good" : "bad", answer.decision), " ", el("code", {}, answer.code), " ", badge(level(answer.status), words(answer.status))),
    el("p", {}, foreign(answer.detail)),
    enforced ? el("p", { class: "notice warn" }, "In shadow. Otherwise: ", el("code", {}, `${enforced.decision} ${enforced.code}`), " ", foreign(enforced.detail)) : null,
    leafFacts(answer, now),
    path.length > 0 ? pathTree(path, 0, now) : el("p", { class: "quiet" }, "No path led to a trust anchor."));
}

/**
 * @param {any} answer
 * @param {number} now
 */
function leafFacts(answer, now) {
  return facts([
    ["Certificate", answer.subject === null ? null : foreign(answer.subject || "(no subject)", "foreign", WHOLE)],
    ["Issuer", answer.issuer === null ? null : foreign(answer.issuer, "foreign", WHOLE)],
    ["Also", answer.sans?.length > 0 ? foreign(answer.sans.join(", ")) : null],
    ["Serial number", code(answer.serial_number)],
    ["SHA-256", code(answer.fingerprint_sha256)],
    ["Decided", moment(answer.checked_at, now)],
    ["May be reused until", moment(answer.valid_until, now)],
    ["Answered from", answer.cache === "hit" ? "a verdict kept by the worker" : "evidence, now"],
    ["Decision", code(answer.decision_id)],
  ]);
}

/** @param {string | null | undefined} text */
function code(text) {
  return text === null || text === undefined ? null : el("code", {}, text);
}

/**
 * @param {string | null | undefined} at
 * @param {number} now
 */
function moment(at, now) {
  return at === null || at === undefined ? null : `${utc(at)} (${relative(at, now)})`;
}

/**
 * The certificate at this place of a path, and below it whoever issued it.
 *
 * @param {any[]} path
 * @param {number} index
 * @param {number} now
 * @returns {Element}
 */
function pathTree(path, index, now) {
  const one = path[index];
  const heading = index === 0 ? "Leaf" : "Issued by";
  const branches = [el("li", {}, revocationBranch(one.revocation, now))];
  if (index + 1 < path.length) branches.push(pathTree(path, index + 1, now));
  else branches.push(el("li", {}, el("span", { class: "quiet" }, "Ends at anchor "), foreign(one.issuer)));
  const item = el("li", {},
    el("span", { class: "quiet" }, heading), " ", foreign(one.subject || "(no subject)", "foreign name"),
    el("span", { class: "below" }, `serial ${one.serial_number}, valid until ${utc(one.not_after)}`),
    el("ul", {}, ...branches));
  return index === 0 ? el("ul", { class: "branches" }, item) : item;
}

/**
 * @param {any} revocation
 * @param {number} now
 */
function revocationBranch(revocation, now) {
  const { status, method } = revocation;
  return el("div", {},
    badge(level(status), words(status)), " ",
    method === "none" ? null : el("span", {}, `by ${method === "block" ? "a block" : method.toUpperCase()}`),
    revocation.tier ? el("span", { class: "quiet" }, ` from ${revocation.tier}`) : null,
    facts([
      ["Source", revocation.source ? foreign(revocation.source) : null],
      ["CRL number", revocation.crl_number === null ? null : String(revocation.crl_number ?? "")],
      ["thisUpdate", moment(revocation.this_update, now)],
      ["nextUpdate", moment(revocation.next_update, now)],
      ["Revoked", moment(revocation.revoked_at, now)],
      ["Reason", revocation.reason],
      ["", revocation.detail ? foreign(revocation.detail) : null],
    ]));
}

/**
 * Any document, as branches that open.
 *
 * @param {string} name
 * @param {any} value
 * @param {boolean} [isOpen]
 * @param {number} [depth]
 * @returns {Element}
 */
export function documentTree(name, value, isOpen = false, depth = 0) {
  if (value === null || typeof value !== "object" || depth >= DEEPEST) {
    const text = value !== null && typeof value === "object" ? "…" : String(value ?? "–");
    return el("div", { class: "entry" }, el("span", { class: "quiet" }, `${words(name)}: `), foreign(text));
  }
  const members = Object.entries(value);
  const title = Array.isArray(value) ? `${words(name)} (${count(members.length)})` : words(name);
  const details = el("details", { open: isOpen }, el("summary", {}, title));
  let isFilled = false;
  const fill = () => {
    if (isFilled) return;
    isFilled = true;
    const shown = members.slice(0, MOST).map(([member, part]) => el("li", {}, documentTree(member, part, false, depth + 1)));
    if (members.length > MOST) shown.push(el("li", { class: "quiet" }, `${count(members.length - MOST)} more`));
    details.append(el("ul", {}, ...shown));
  };
  if (isOpen) fill();
  details.addEventListener("toggle", fill);
  return details;
}
