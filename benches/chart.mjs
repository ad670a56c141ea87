// The chart in the README: bars of seconds, drawn as text of an SVG that is readable on a light and on a dark page.

import { duration } from './wording.mjs';

const WIDTH = 760;
const NAMES = 290;
const NUMBERS = 80;
const LINE = 24;
const BAR = 16;
const TITLE = 30;
const GAP = 18;

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .name { text-anchor: end; }
  .ours { fill: #0a7d4f; }
  .other { fill: #9aa3ad; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .ours { fill: #3fb980; }
    .other { fill: #6b7480; }
  }
`;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function drawBar({ name, seconds }, longest, top, isOurs) {
  const space = WIDTH - NAMES - NUMBERS;
  // A bar that cannot be seen would look like a missing one.
  const width = Math.max(2, (seconds / longest) * space);
  const baseline = top + BAR - 3;
  return [
    `<text class="name" x="${NAMES - 10}" y="${baseline}">${escaped(name)}</text>`,
    `<rect class="${isOurs ? 'ours' : 'other'}" x="${NAMES}" y="${top}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
    `<text x="${(NAMES + width + 8).toFixed(1)}" y="${baseline}">${duration(seconds)}</text>`,
  ];
}

/**
 * Draws panels, one below the other, each with a scale of its own. The first bar of each is ours.
 *
 * @param panels `[{ title, bars: [{ name, seconds }] }]`
 */
export function drawChart(panels) {
  let top = 4;
  const shapes = panels.flatMap(({ title, bars }) => {
    const longest = Math.max(...bars.map(({ seconds }) => seconds));
    const heading = `<text class="title" x="0" y="${top + 15}">${escaped(title)}</text>`;
    const lines = bars.flatMap((bar, index) => drawBar(bar, longest, top + TITLE + index * LINE, index === 0));
    top += TITLE + bars.length * LINE + GAP;
    return [heading, ...lines];
  });
  const labels = panels.map(({ title, bars }) => {
    const numbers = bars.map(({ name, seconds }) => `${name} ${duration(seconds)}`).join(', ');
    return `${title}: ${numbers}.`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img">
<title>How long bundling takes</title>
<desc>${escaped(labels.join(' '))}</desc>
<style>${STYLE}</style>
${shapes.join('\n')}
</svg>
`;
}
