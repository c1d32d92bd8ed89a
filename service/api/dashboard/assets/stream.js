/**
 * News from the service: a stream of events, and questions every five seconds where there is none.
 *
 * `EventSource` cannot send a token, so that the stream is read here: text/event-stream, as the HTML standard has it.
 */

import { Problem, parseJson } from "./api.js";

const POLL_MS = 5_000;
const SILENCE_MS = 15_000;
/** A stream that says nothing for so long is dead: its figures come every two seconds. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const LONGEST_EVENT = 32 * 1024 * 1024;
/** Characters: what is longer is no event of this service. */

/** @typedef {"connecting" | "live" | "polling" | "lost"} Contact */

/**
 * Splits a stream into events.
 *
 * @param {(name: string, data: string) => void} tell
 */
export function eventReader(tell) {
  let rest = "";
  let name = "message";
  /** @type {string[]} */
  let data = [];

  /** @param {string} line */
  function read(line) {
    if (line === "") {
      if (data.length > 0) tell(name, data.join("\n"));
      name = "message";
      data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }

  return (/** @type {string} */ text) => {
    rest += text;
    if (rest.length > LONGEST_EVENT) throw new Error("an event without an end");
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    lines.forEach(read);
  };
}

/** Keeps contact with the service until it is told to stop. */
export class Live {
  /** @type {AbortController | null} */
  #stream = null;
  #generation = 0;
  #pause = FIRST_PAUSE_MS;
  #isStreaming = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {{stats: (document: any) => void, changed: (tokens: any) => void, contact: (state: Contact, why: string) => void}} told
   */
  constructor(api, told) {
    this.api = api;
    this.told = told;
  }

  /** Begin, again where it had begun. */
  start() {
    this.stop();
    const mine = this.#generation;
    this.#pause = FIRST_PAUSE_MS;
    this.told.contact("connecting", "");
    void this.#follow(mine);
    void this.#poll(mine);
  }

  /** End. */
  stop() {
    this.#generation += 1;
    this.#isStreaming = false;
    this.#stream?.abort();
  }

  /** @param {number} mine */
  async #follow(mine) {
    while (mine === this.#generation) {
      try {
        await this.#read(mine);
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return;
      }
      if (mine === this.#generation && this.#isStreaming) {
        this.#isStreaming = false;
        this.told.contact("connecting", "");
        void this.#ask(mine);
      }
      await wait(this.#pause * (0.75 + Math.random() / 2));
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** @param {number} mine */
  async #read(mine) {
    const stream = new AbortController();
    this.#stream = stream;
    let watch = setTimeout(() => stream.abort(), SILENCE_MS);
    try {
      const answer = await this.api.send("v1/events", { signal: stream.signal, headers: { Accept: "text/event-stream" } });
      const reader = /** @type {ReadableStream} */ (answer.body).pipeThrough(new TextDecoderStream()).getReader();
      const take = eventReader((name, data) => this.#tell(mine, name, data));
      for (;;) {
        const { value, done } = await reader.read();
        if (done || mine !== this.#generation) return;
        clearTimeout(watch);
        watch = setTimeout(() => stream.abort(), SILENCE_MS);
        take(value);
      }
    } finally {
      clearTimeout(watch);
      stream.abort();
    }
  }

  /**
   * @param {number} mine
   * @param {string} name
   * @param {string} data
   */
  #tell(mine, name, data) {
    if (mine !== this.#generation) return;
    if (name === "changed") this.told.changed(parseJson(data));
    if (name !== "stats") return;
    this.#isStreaming = true;
    this.#pause = FIRST_PAUSE_MS;
    this.told.contact("live", "");
    this.told.stats(parseJson(data));
  }

  /** @param {number} mine */
  async #poll(mine) {
    while (mine === this.#generation) {
      if (!this.#isStreaming) await this.#ask(mine);
      await wait(POLL_MS);
    }
  }

  /** @param {number} mine */
  async #ask(mine) {
    try {
      const document = await this.api.get("v1/stats");
      if (mine !== this.#generation || this.#isStreaming) return;
      this.told.contact("polling", "");
      this.told.stats(document);
    } catch (error) {
      if (mine === this.#generation && !this.#isStreaming) this.told.contact("lost", /** @type {Error} */ (error).message);
    }
  }
}

/** @param {number} milliseconds */
function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
