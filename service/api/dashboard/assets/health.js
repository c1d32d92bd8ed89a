/** Whether revocation works, in one sentence, and why: everything else on the page is detail. */

import { counted, span, utcDay } from "./format.js";

const SOON_DAYS = 30;
const LAG_S = 300;
/** A source that has been due for so long is one that the prefetcher does not get to. */
const DAY_MS = 86_400_000;

/** @typedef {{level: "bad" | "warn", text: string, at: string}} Reason `at`: the part of the page that says more. */

/**
 * What is wrong, the worst first.
 *
 * @param {any} document Of `/v1/stats`.
 * @param {any[]} trustStores Of `/v1/trust-stores`.
 * @param {number | null} unavailable Denials a second since revocation could not be told.
 * @param {number} now Milliseconds since 1970, by the service's clock.
 * @returns {Reason[]}
 */
export function reasonsOf(document, trustStores, unavailable, now) {
  /** @type {Reason[]} */
  const found = [];
  const tell = (/** @type {Reason["level"]} */ level, /** @type {string} */ at, /** @type {string} */ text) => found.push({ level, text, at });
  if (document.host === null) tell("bad", "crls", "The store cannot be read.");
  if (unavailable !== null && unavailable > 0) {
    tell("bad", "traffic", "Certificates are denied since their revocation cannot be told.");
  }
  if (document.host) ofHost(document.host, tell);
  ofResponders(document.responders ?? [], tell);
  ofRedis(document, tell);
  ofReplicas(document.fleet?.replicas ?? [], tell);
  ofTrustStores(document.trust_stores ?? [], trustStores, now, tell);
  return found.sort((one, other) => Number(one.level !== "bad") - Number(other.level !== "bad"));
}

/** @typedef {(level: Reason["level"], at: string, text: string) => void} Tell */

/**
 * @param {any} host
 * @param {Tell} tell
 */
function ofHost(host, tell) {
  const { ended = 0, stale = 0 } = host.crls.by_status;
  const { failing, stalled } = host.sources;
  const { alive, lag_s: lag } = host.prefetcher;
  if (ended > 0) tell("bad", "crls", `${counted(ended, "CRL has", "CRLs have")} ended and may not be used any more.`);
  if (!alive) tell("bad", "crls", "The prefetcher is silent: no CRL is fetched ahead of need.");
  if (stale > 0) tell("warn", "crls", `${counted(stale, "CRL is", "CRLs are")} overdue and used by grace alone.`);
  if (failing > 0) tell("warn", "crls", `${counted(failing, "source of CRLs gives", "sources of CRLs give")} nothing.`);
  if (stalled > 0) tell("warn", "crls", `${counted(stalled, "CRL number stands", "CRL numbers stand")} still.`);
  if (alive && lag > LAG_S) tell("warn", "crls", `The prefetcher does not keep up: a source has been due for ${span(lag)}.`);
}

/**
 * @param {any[]} responders
 * @param {Tell} tell
 */
function ofResponders(responders, tell) {
  const open = responders.filter((one) => one.state === "open").length;
  if (open > 0) tell("warn", "responders", `${counted(open, "responder is", "responders are")} left alone after failures.`);
}

/**
 * @param {any} document
 * @param {Tell} tell
 */
function ofRedis(document, tell) {
  const { redis, fleet } = document;
  const isAway = redis ? redis.up === false || redis.breaker === "open" : fleet?.reachable === false;
  if (isAway) tell("warn", "redis", "Redis is away: this host goes on with what it holds, and changes stay on it.");
}

/**
 * @param {any[]} replicas
 * @param {Tell} tell
 */
function ofReplicas(replicas, tell) {
  const gone = replicas.filter((one) => one.presence === "gone").length;
  const behind = replicas.filter((one) => one.presence !== "gone" && one.standing === "behind").length;
  const taken = replicas.filter((one) => one.name_taken).length;
  if (gone > 0) tell("warn", "fleet", `${counted(gone, "replica is", "replicas are")} gone.`);
  if (behind > 0) tell("warn", "fleet", `${counted(behind, "replica misses", "replicas miss")} what its fleet knows.`);
  if (taken > 0) tell("warn", "fleet", "Two replicas bear one name.");
}

/**
 * @param {any[]} stores
 * @param {any[]} certificates
 * @param {number} now
 * @param {Tell} tell
 */
function ofTrustStores(stores, certificates, now, tell) {
  for (const { name, problem, certificates: number } of stores) {
    if (problem === null || problem === undefined) continue;
    const nothing = number === null || number === 0;
    const rest = nothing ? "nobody is let in by it" : "an earlier version is in force";
    tell(nothing ? "bad" : "warn", "trust-stores", `Trust store “${name}” cannot be used as written: ${rest}.`);
  }
  for (const store of certificates) {
    const ends = (store.certificates ?? []).map((/** @type {any} */ one) => Date.parse(one.not_after));
    const ended = ends.filter((/** @type {number} */ end) => end <= now).length;
    const soon = ends.filter((/** @type {number} */ end) => end > now && end - now < SOON_DAYS * DAY_MS);
    if (ended > 0) tell("warn", "trust-stores", `${counted(ended, "CA of trust store", "CAs of trust store")} “${store.name}” ${ended === 1 ? "has" : "have"} expired.`);
    if (soon.length > 0) tell("warn", "trust-stores", `A CA of trust store “${store.name}” ends on ${utcDay(new Date(Math.min(...soon)).toISOString())}.`);
  }
}

/** @param {Reason[]} reasons */
export function headline(reasons) {
  if (reasons.some((one) => one.level === "bad")) return { level: "bad", text: "Revocation needs you" };
  if (reasons.length > 0) return { level: "warn", text: "Revocation works, with trouble" };
  return { level: "good", text: "Revocation works" };
}
