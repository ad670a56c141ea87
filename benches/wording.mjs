// Numbers as people read them.

import { median } from '../__test__/support/numbers.mjs';

/** A number with at most three significant digits. */
function digits(number) {
  const places = number >= 100 ? 0 : number >= 10 ? 1 : 2;
  return number.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
}

/** A duration, from seconds. */
export function duration(seconds) {
  if (seconds < 1) {
    return `${digits(seconds * 1000)} ms`;
  }
  return seconds < 600 ? `${digits(seconds)} s` : `${digits(seconds / 60)} min`;
}

/** The median of some durations in seconds, with the shortest and the longest. */
export function durations(seconds) {
  const [shortest, longest] = [Math.min(...seconds), Math.max(...seconds)];
  const middle = duration(median(seconds));
  return seconds.length === 1 ? middle : `${middle} (${duration(shortest)} to ${duration(longest)})`;
}

/** How many times one is the other. */
export const factor = (ratio) => `${digits(ratio)} ×`;

export const percent = (share) => `${(share * 100).toFixed(1)} %`;

export const megabytes = (bytes) => `${digits(bytes / 1e6)} MB`;
