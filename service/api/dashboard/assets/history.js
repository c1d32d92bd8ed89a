/** What the last minutes were like: differences of counters, since the documents count from the start of the service. */

const KEPT_MS = 5 * 60_000;
export const MINUTE_MS = 60_000;
const SMOOTH_MS = 10_000;
/** Rates are over so long: the documents come every two seconds, and workers write theirs once a second. */

/** @typedef {{upTo: number | null, count: number}} Bucket Cumulative; null is for everything. */
/** @typedef {{at: number, of: string, decisions: Map<string, number>, total: number, seconds: number, buckets: Bucket[]}} Sample */

/**
 * Decisions by what they were called, all fronts together.
 *
 * @param {any} document
 * @returns {Map<string, number>} By `deny revoked`.
 */
export function decisionsOf(document) {
  const found = new Map();
  for (const { decision, code, count } of document.decisions ?? []) {
    const key = `${decision} ${code}`;
    found.set(key, (found.get(key) ?? 0) + count);
  }
  return found;
}

/**
 * @param {any} document
 * @returns {Bucket[]} In ascending order, the last for everything.
 */
export function bucketsOf(document) {
  const { buckets = [], count = 0 } = document.latency ?? {};
  const given = buckets.map((/** @type {any} */ one) => ({ upTo: one.le_s, count: one.count }));
  return [...given, { upTo: null, count }];
}

/**
 * The quantile of a histogram, as Prometheus estimates it: evenly spread within a bucket.
 *
 * @param {Bucket[]} buckets
 * @param {number} part 0 to 1.
 * @returns {number | null} Seconds; null without any observation.
 */
export function quantile(buckets, part) {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const wanted = part * total;
  let below = 0;
  let from = 0;
  for (const { upTo, count } of buckets) {
    if (count >= wanted && count > below) {
      return upTo === null ? from : from + ((upTo - from) * (wanted - below)) / (count - below);
    }
    below = count;
    from = upTo ?? from;
  }
  return from;
}

/** The last documents, as far as charts need them. */
export class History {
  /** @type {Sample[]} */
  samples = [];

  /** @param {any} document */
  add(document) {
    const decisions = decisionsOf(document);
    const sample = {
      at: Date.parse(document.at),
      of: `${document.started_at} ${document.fleet?.replica ?? ""}`,
      decisions,
      total: [...decisions.values()].reduce((sum, one) => sum + one, 0),
      seconds: document.latency?.sum_s ?? 0,
      buckets: bucketsOf(document),
    };
    const last = this.samples.at(-1);
    if (last !== undefined && (last.of !== sample.of || sample.total < last.total)) this.samples = [];
    if (last !== undefined && sample.at <= last.at && this.samples.length > 0) return;
    this.samples.push(sample);
    while (sample.at - this.samples[0].at > KEPT_MS + SMOOTH_MS) this.samples.shift();
  }

  /** Whether there are two documents to compare. */
  get isComparable() {
    return this.samples.length > 1;
  }

  /**
   * How often each thing happened a second, over time.
   *
   * @param {(key: string) => boolean} wanted
   * @returns {{times: number[], series: Map<string, number[]>}}
   */
  rates(wanted) {
    const times = [];
    /** @type {Map<string, number[]>} */
    const series = new Map();
    const keys = [...(this.samples.at(-1)?.decisions.keys() ?? [])].filter(wanted).sort();
    for (const [sample, before] of this.#pairs()) {
      times.push(sample.at);
      for (const key of keys) {
        const more = (sample.decisions.get(key) ?? 0) - (before.decisions.get(key) ?? 0);
        if (!series.has(key)) series.set(key, []);
        series.get(key)?.push((more * 1000) / (sample.at - before.at));
      }
    }
    return { times, series };
  }

  /**
   * Quantiles over time.
   *
   * @param {number[]} parts
   * @returns {{times: number[], series: Array<Array<number | null>>}}
   */
  quantiles(parts) {
    const pairs = this.#pairs();
    const between = pairs.map(([sample, before]) => difference(sample.buckets, before.buckets));
    return {
      times: pairs.map(([sample]) => sample.at),
      series: parts.map((part) => between.map((buckets) => quantile(buckets, part))),
    };
  }

  /** The buckets of the last minute, and the seconds of all in them. */
  lastMinute() {
    const last = this.samples.at(-1);
    if (last === undefined) return { buckets: [], seconds: 0 };
    const before = this.#before(last, MINUTE_MS);
    return { buckets: difference(last.buckets, before.buckets), seconds: last.seconds - before.seconds };
  }

  /**
   * How often something happened a second of late.
   *
   * @param {string} key
   * @param {number} [span] Milliseconds.
   * @returns {number | null} Null where there is nothing to compare.
   */
  rate(key, span = SMOOTH_MS) {
    const last = this.samples.at(-1);
    if (last === undefined || !this.isComparable) return null;
    const before = this.#before(last, span);
    return (((last.decisions.get(key) ?? 0) - (before.decisions.get(key) ?? 0)) * 1000) / (last.at - before.at);
  }

  /** @returns {Array<[Sample, Sample]>} */
  #pairs() {
    let first = 0;
    return this.samples.slice(1).map((sample, index) => {
      while (first < index && sample.at - this.samples[first + 1].at >= SMOOTH_MS) first += 1;
      return [sample, this.samples[first]];
    });
  }

  /**
   * @param {Sample} sample
   * @param {number} span Milliseconds.
   */
  #before(sample, span) {
    const older = this.samples.filter((one) => sample.at - one.at >= span);
    return older.at(-1) ?? this.samples[0];
  }
}

/**
 * @param {Bucket[]} later
 * @param {Bucket[]} earlier
 * @returns {Bucket[]}
 */
function difference(later, earlier) {
  const before = new Map(earlier.map(({ upTo, count }) => [upTo, count]));
  return later.map(({ upTo, count }) => ({ upTo, count: Math.max(0, count - (before.get(upTo) ?? 0)) }));
}
