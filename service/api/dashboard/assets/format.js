/** How numbers, times and sizes are written: the same everywhere, in UTC, and short. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const DECIMALS = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat("en", {
  minimumFractionDigits: digits, maximumFractionDigits: digits,
}));
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** @param {number | bigint} value A whole number, of any size. */
export function count(value) {
  return WHOLE.format(value);
}

/** @param {number} value Something a second. */
export function rate(value) {
  if (value === 0) return "0";
  return DECIMALS[value < 0.1 ? 3 : value < 1 ? 2 : value < 100 ? 1 : 0].format(value);
}

/** @param {number} octets */
export function bytes(octets) {
  let unit = 0;
  let value = octets;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${DECIMALS[unit === 0 || value >= 100 ? 0 : 1].format(value)} ${UNITS[unit]}`;
}

/** @param {number} part From 0 to 1. */
export function percent(part) {
  if (part > 0.999 && part < 1) return "99.9 %";
  return `${DECIMALS[part === 0 || part === 1 ? 0 : 1].format(part * 100)} %`;
}

/** @param {number | null | undefined} seconds How long something takes: microseconds to seconds. */
export function latency(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  if (seconds === 0) return "0 ms";
  if (seconds < 0.001) return `${DECIMALS[0].format(seconds * 1e6)} µs`;
  if (seconds < 1) return `${DECIMALS[seconds < 0.01 ? 2 : seconds < 0.1 ? 1 : 0].format(seconds * 1e3)} ms`;
  return `${DECIMALS[2].format(seconds)} s`;
}

/** @param {number} seconds A span of time, in its two largest units. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(Math.abs(seconds)));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return two(whole, 3600, "h", 60, "min");
  return two(whole, 86400, "d", 3600, "h");
}

/**
 * @param {number} seconds
 * @param {number} large Seconds of the larger unit.
 * @param {string} largeName
 * @param {number} small Seconds of the smaller unit.
 * @param {string} smallName
 */
function two(seconds, large, largeName, small, smallName) {
  const rest = Math.floor((seconds % large) / small);
  const first = `${WHOLE.format(Math.floor(seconds / large))} ${largeName}`;
  return rest === 0 || seconds >= 30 * 86400 ? first : `${first} ${rest} ${smallName}`;
}

/**
 * A moment in milliseconds since 1970; null where there is none.
 *
 * @param {string | null | undefined} moment
 */
export function millis(moment) {
  if (moment === null || moment === undefined) return null;
  const read = Date.parse(moment);
  return Number.isNaN(read) ? null : read;
}

/** @param {string | null | undefined} moment */
export function utc(moment) {
  const read = millis(moment);
  return read === null ? "–" : `${new Date(read).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** @param {string | null | undefined} moment */
export function utcDay(moment) {
  return millis(moment) === null ? "–" : utc(moment).slice(0, 10);
}

/** @param {number} at Milliseconds since 1970. */
export function clock(at) {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`;
}

/**
 * How long ago, or how soon.
 *
 * @param {string | null | undefined} moment
 * @param {number} now Milliseconds since 1970, by the service's clock.
 */
export function relative(moment, now) {
  const read = millis(moment);
  if (read === null) return "–";
  const seconds = (read - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  return seconds < 0 ? `${span(-seconds)} ago` : `in ${span(seconds)}`;
}

/** @param {string} word `soft_fail`, `catching-up`. */
export function words(word) {
  return String(word).replaceAll("_", " ");
}

/**
 * One thing or several.
 *
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
