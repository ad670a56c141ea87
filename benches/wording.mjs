// Numbers as people read them.

/** Three digits at most that mean something. */
function digits(number) {
  const places = number >= 100 ? 0 : number >= 10 ? 1 : 2;
  return number.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
}

/** A duration of so many seconds. */
export function duration(seconds) {
  if (seconds < 1) {
    return `${digits(seconds * 1000)} ms`;
  }
  return seconds < 600 ? `${digits(seconds)} s` : `${digits(seconds / 60)} min`;
}

/** How many times one is the other. */
export const factor = (ratio) => `${digits(ratio)} ×`;

export const percent = (share) => `${(share * 100).toFixed(1)} %`;

export const megabytes = (bytes) => `${digits(bytes / 1e6)} MB`;
