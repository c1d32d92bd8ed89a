/** Where evidence comes from: caches, OCSP responders, Redis. */

import { ratioBar } from "./charts.js";
import { badge, byId, cell, facts, foreign, numberCell, row, showRows } from "./dom.js";
import { bytes, count, latency, percent, relative, utc, words } from "./format.js";
import { Pages } from "./pages.js";

const TIERS = ["memory", "host", "redis", "origin"];
const STATES = /** @type {const} */ ({ closed: "good", half_open: "warn", "half-open": "warn", open: "bad" });
const responders = new Pages("responders-pages", "responders", 25, () => undefined);

/** @param {any} document */
export function showCaches(document) {
  const caches = Array.isArray(document.caches) ? document.caches : [];
  const sorted = [...caches].sort((one, other) => TIERS.indexOf(one.tier) - TIERS.indexOf(other.tier) || one.kind.localeCompare(other.kind));
  const rows = sorted.map((one) => {
    const asked = one.hits + one.misses;
    const part = asked > 0 ? one.hits / asked : null;
    const ratio = part === null ? "–" : [ratioBar(part, `${percent(part)} of questions found it`), " ", percent(part)];
    return row({ "data-tier": one.tier, "data-kind": one.kind },
      cell("Tier", words(one.tier)), cell("Kept", words(one.kind)),
      cell("Hit ratio", ratio, { class: "number with-bar" }),
      numberCell("Hits", one.hits, count, { "data-field": "hits" }),
      numberCell("Misses", one.misses, count, { "data-field": "misses" }),
      numberCell("Evicted", one.evictions, count, { "data-field": "evictions" }),
      numberCell("Entries", one.entries, count, { "data-field": "entries" }),
      numberCell("Size", one.bytes, bytes, { "data-field": "bytes" }));
  });
  showRows(byId("caches-rows"), rows, "Nothing is counted yet.");
}

/**
 * @param {any} document
 * @param {number} now
 */
export function showResponders(document, now) {
  const worst = (/** @type {any} */ one) => ["open", "half_open", "half-open", "closed", null].indexOf(one.state);
  const sorted = [...(document.responders ?? [])].sort((one, other) => worst(one) - worst(other) || (other.failed ?? 0) - (one.failed ?? 0));
  responders.again = () => showResponders(document, now);
  const rows = responders.of(sorted).map((/** @type {any} */ one) => {
    const part = one.asked > 0 ? 1 - one.failed / one.asked : null;
    return row({ "data-host": one.host },
      cell("Host", foreign(one.host)),
      cell("Breaker", one.state ? badge(STATES[/** @type {keyof typeof STATES} */ (one.state)] ?? "quiet", words(one.state)) : "–"),
      cell("Success", part === null ? "–" : percent(part), { class: "number" }),
      numberCell("Asked", one.asked, count, { "data-field": "asked" }),
      numberCell("Failed", one.failed, count, { "data-field": "failed" }),
      numberCell("Latency", one.mean_s, latency),
      cell("Answered", relative(one.answered_at, now), { title: utc(one.answered_at) }));
  });
  showRows(byId("responders-rows"), rows, "No OCSP responder was asked.");
}

/** @param {any} document */
export function showRedis(document) {
  const place = byId("redis-facts");
  const { redis, fleet } = document;
  if (!redis && !fleet) {
    place.replaceChildren("This service runs without Redis: it shares nothing with others.");
    return;
  }
  const isUp = redis ? redis.up : fleet.reachable;
  place.replaceChildren(facts([
    ["Reached", isUp ? badge("good", "up") : badge("bad", "away")],
    ["Latency", redis?.latency_ms === null || redis?.latency_ms === undefined ? "–" : latency(redis.latency_ms / 1000)],
    ["Breaker", redis?.breaker ? badge(redis.breaker === "closed" ? "good" : "bad", words(redis.breaker)) : null],
    ["Why", redis?.reason ?? fleet?.reason ? foreign(redis?.reason ?? fleet?.reason) : null],
    ["Fleet key", fleet ? (fleet.authenticated ? "yes" : badge("warn", "none")) : null],
  ]));
}
