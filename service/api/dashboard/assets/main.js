/** Where the page begins: logging in, what is asked when, and how old what is shown is. */

import { Api } from "./api.js";
import { Blocks } from "./blocks.js";
import { Crls, showCrlSums } from "./crls.js";
import { Decisions } from "./decisions.js";
import { byId, el, say } from "./dom.js";
import { showCaches, showRedis, showResponders } from "./evidence.js";
import { Explain } from "./explain.js";
import { showFleet } from "./fleet.js";
import { clock, count, relative, span } from "./format.js";
import { headline, reasonsOf } from "./health.js";
import { History, MINUTE_MS } from "./history.js";
import { showShadow } from "./shadow.js";
import { Live } from "./stream.js";
import { showTraffic } from "./traffic.js";
import { TrustStores } from "./truststores.js";

const STALE_MS = 12_000;
/** Without a document for so long, what is shown is old: two of them come by polling, six by the stream. */
const LISTS_MS = 15_000;
/** How often the lists are asked for without being told that they have changed: ages and retries move on. */
const TRUST_STORES_MS = 60_000;

const api = new Api(() => askForToken());
const history = new History();
/** @type {any} */
let last = null;
let heardAt = 0;
/** By how much the service's clock is ahead of this machine's, in milliseconds. */
let ahead = 0;
/** @type {import("./stream.js").Contact} */
let contact = "connecting";
/** @type {Record<string, unknown>} */
let tokens = {};
let isLoggedIn = false;

const now = () => Date.now() + ahead;
const context = { api, now, block: (/** @type {any} */ certificate) => blocks.prepare(certificate) };
const blocks = new Blocks(context);
const crls = new Crls(context);
const decisions = new Decisions(context);
const trustStores = new TrustStores(context);
new Explain(context);
const live = new Live(api, { stats: showStats, changed: takeChanges, contact: showContact });

/** @param {any} document */
function showStats(document) {
  if (!isLoggedIn) enter();
  last = document;
  heardAt = Date.now();
  ahead = Date.parse(document.at) - heardAt;
  history.add(document);
  showHealth();
  showTraffic(document, history);
  showCrlSums(document);
  showCaches(document);
  showResponders(document, now());
  showRedis(document);
  showFleet(document, now());
  showShadow(document, now());
  decisions.offer(document);
  showAge();
  byId("main").setAttribute("data-at", document.at);
}

function showHealth() {
  const unavailable = history.rate("deny revocation_unavailable", MINUTE_MS);
  const reasons = reasonsOf(last, trustStores.stores, unavailable, now());
  const { level, text } = headline(reasons);
  byId("health").setAttribute("data-level", level);
  say(byId("headline"), text);
  document.title = `${level === "good" ? "" : "(!) "}${text} – Revet`;
  const rows = reasons.map((reason) => el("li", { class: reason.level }, el("a", { href: `#${reason.at}` }, reason.text)));
  if (byId("reasons").textContent !== reasons.map((reason) => reason.text).join("")) byId("reasons").replaceChildren(...rows);
  const replica = last.fleet ? `${last.fleet.replica}, ` : "";
  say(byId("who"), `${replica}version ${last.version}, up for ${span(last.uptime_s)}`);
}

/**
 * @param {import("./stream.js").Contact} state
 * @param {string} why
 */
function showContact(state, why) {
  contact = state;
  byId("contact").title = why;
  say(byId("trouble"), state === "lost" && !isLoggedIn ? why : "");
  showAge();
}

/** How old what is shown is, and that old figures look old. */
function showAge() {
  if (!byId("login").hidden) return;
  const silence = Date.now() - heardAt;
  const isStale = heardAt > 0 && silence > STALE_MS;
  document.body.classList.toggle("stale", isStale);
  const words = { live: "live", polling: "polling every 5 s", connecting: heardAt > 0 ? "connecting again" : "connecting", lost: "no contact" };
  byId("contact").setAttribute("data-contact", isStale ? "lost" : contact);
  say(byId("contact"), isStale ? `no contact since ${clock(heardAt + ahead)}` : words[contact]);
  if (last === null) return;
  const asOf = `As of ${clock(Date.parse(last.at))}`;
  const total = last.totals?.decisions;
  const told = total === undefined ? "" : ` · ${count(total)} verdicts since ${relative(last.started_at, now())}`;
  say(byId("health-sub"), isStale ? `${asOf}: these figures are ${span(silence / 1000)} old.` : `${asOf}${told}`);
  if (isStale) {
    byId("health").setAttribute("data-level", "unknown");
    say(byId("headline"), "No contact: nobody knows");
  }
}

/** @param {Record<string, unknown>} changed */
function takeChanges(changed) {
  const differs = (/** @type {string} */ name) => changed[name] !== undefined && changed[name] !== tokens[name];
  if (differs("crls")) void crls.load();
  if (differs("blocks")) void blocks.load();
  if (differs("decisions")) void decisions.refresh();
  tokens = { ...tokens, ...changed };
}

function loadLists() {
  void crls.load();
  void blocks.load();
  void decisions.refresh();
}

async function loadTrustStores() {
  await trustStores.load();
  if (last !== null) showHealth();
}

/** Show the figures: the service has answered. */
function enter() {
  isLoggedIn = true;
  byId("login").hidden = true;
  byId("main").hidden = false;
  byId("logout").hidden = !api.hasToken;
  byId("token").value = "";
  if (api.hasToken) byId("main").focus({ preventScroll: true });
  loadLists();
  void loadTrustStores();
}

/** @param {string} [why] */
function askForToken(why = "") {
  const hadToken = api.hasToken;
  live.stop();
  api.login(null);
  isLoggedIn = false;
  tokens = {};
  byId("main").hidden = true;
  byId("logout").hidden = true;
  byId("login").hidden = false;
  say(byId("contact"), "not logged in");
  byId("contact").setAttribute("data-contact", "connecting");
  say(byId("login-error"), hadToken && why === "" ? "The service does not know this token." : why);
  byId("token").focus();
}

/** Turn light into dark and back; nothing is stored, so that the next visit begins as the system has it. */
function turnTheme() {
  const root = document.documentElement;
  const isDark = (root.dataset.theme ?? systemTheme()) === "dark";
  root.dataset.theme = isDark ? "light" : "dark";
  showTheme();
}

function systemTheme() {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function showTheme() {
  const isDark = (document.documentElement.dataset.theme ?? systemTheme()) === "dark";
  say(byId("theme"), isDark ? "Light" : "Dark");
  byId("theme").setAttribute("aria-label", `Show in ${isDark ? "light" : "dark"} colours`);
}

function start() {
  byId("theme").addEventListener("click", turnTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  showTheme();
  byId("logout").addEventListener("click", () => {
    api.login(null);
    location.reload(); // nothing of what was shown stays in the page
  });
  byId("login-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    void login(byId("token").value.trim());
  });
  setInterval(showAge, 1_000);
  setInterval(() => isLoggedIn && loadLists(), LISTS_MS);
  setInterval(() => isLoggedIn && void loadTrustStores(), TRUST_STORES_MS);
  void begin();
}

/** Ask for a token where the service's own description says that it wants one; otherwise there is nothing to ask for. */
async function begin() {
  const description = await api.get("openapi.json").catch(() => null);
  const ways = description?.paths?.["/v1/stats"]?.get?.security ?? [];
  if (ways.some((/** @type {object} */ way) => "token" in way)) askForToken();
  else live.start();
}

/** @param {string} token */
async function login(token) {
  say(byId("login-error"), "");
  api.login(token);
  try {
    await api.get("v1/stats");
    live.start();
  } catch (error) {
    if (/** @type {import("./api.js").Problem} */ (error).status !== 401) say(byId("login-error"), /** @type {Error} */ (error).message);
  }
}

start();
