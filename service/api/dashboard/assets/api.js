/**
 * Asking the service, with the token.
 *
 * Rules it keeps: the token is in a variable of this module's object and nowhere else (no storage, no cookie, no URL);
 * what is wrong is told as the service told it.
 */

const PATIENCE_MS = 15_000;
/** Longer than any answer but a decision whose evidence has to be fetched takes. */

/** What the service, or the way to it, says is wrong. */
export class Problem extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {number} status Of HTTP; 0 where nothing answered.
   * @param {any} document The problem (RFC 9457).
   */
  constructor(title, detail, status, document = {}) {
    super(detail === "" ? title : `${title}: ${detail}`);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.document = document;
  }
}

/**
 * Read JSON and lose no digit: CRL numbers are larger than what a JavaScript number holds.
 *
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  return JSON.parse(text, (_name, value, /** @type {any} */ context) => {
    const isTooLarge = typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "");
    return isTooLarge ? BigInt(context.source) : value;
  });
}

/** Asks. */
export class Api {
  /** @type {string | null} */
  #token = null;

  /** @param {() => void} onRefused What to do where the token is none, or no longer one. */
  constructor(onRefused) {
    this.onRefused = onRefused;
  }

  /** @param {string | null} token From now on; null for none. */
  login(token) {
    this.#token = token;
  }

  /** Whether there is one. */
  get hasToken() {
    return this.#token !== null;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [request]
   * @returns {Promise<Response>} With a status from 200 to 299.
   * @throws {Problem} for any other, and where nothing answers.
   */
  async send(path, request = {}) {
    const headers = new Headers(request.headers);
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    const asked = this.#token;
    const patience = request.signal ?? AbortSignal.timeout(PATIENCE_MS);
    let answer;
    try {
      answer = await fetch(path, { ...request, headers, signal: patience, cache: "no-store", credentials: "same-origin" });
    } catch (error) {
      throw new Problem("No answer", `The service did not answer (${/** @type {Error} */ (error).name}).`, 0);
    }
    if (answer.ok) return answer;
    if (answer.status === 401 && asked === this.#token) this.onRefused();
    throw await problemOf(answer);
  }

  /** @param {string} path */
  async get(path) {
    return parseJson(await (await this.send(path)).text());
  }

  /**
   * @param {string} path
   * @param {unknown} document
   */
  async post(path, document) {
    const request = { method: "POST", body: JSON.stringify(document), headers: { "Content-Type": "application/json" } };
    return parseJson(await (await this.send(path, request)).text());
  }

  /** @param {string} path */
  async remove(path) {
    await this.send(path, { method: "DELETE" });
  }
}

/** @param {Response} answer */
async function problemOf(answer) {
  const text = await answer.text().catch(() => "");
  try {
    const document = parseJson(text);
    return new Problem(document.title ?? `Status ${answer.status}`, document.detail ?? "", answer.status, document);
  } catch {
    return new Problem(`Status ${answer.status}`, text.slice(0, 300), answer.status);
  }
}
