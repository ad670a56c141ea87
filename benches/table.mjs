// The results as text: a line while it runs, and Markdown for the README.

import { duration, factor, megabytes } from './wording.mjs';

const [START, END] = ['<!-- benchmarks:start -->', '<!-- benchmarks:end -->'];

/** One row as a line of the terminal. */
export function rowLine({ name, ratio, ours, other, bar, isMet }) {
  return `  ${isMet ? 'met   ' : 'missed'} ${ratio.padStart(10)}  ${name}: ${ours}; ${other}; bar: ${bar}`;
}

function table(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function contenderTable(contenders) {
  const ours = contenders[0].seconds;
  const rows = contenders.map(({ title, seconds, bytes, hasBytecode, missing }) =>
    missing === undefined
      ? [title, factor(seconds / ours), duration(seconds), megabytes(bytes), hasBytecode ? 'yes' : 'no']
      : [title, 'not measured', missing, '', ''],
  );
  return table(['five zips, nothing made before', 'ratio to ours', 'time', 'size', 'bytecode'], rows);
}

/**
 * The results as Markdown, for the README.
 *
 * @param withBars whether the bars are included: they are for developers, not for users
 */
export function markdown({ machine, rows, panels, contenders, notes }, { withBars = false } = {}) {
  const cells = rows.map(({ name, ratio, ours, other, bar, isMet }) => [
    name,
    ratio,
    ours,
    other,
    ...(withBars ? [bar, isMet ? 'met' : '**missed**'] : []),
  ]);
  return [
    ...(panels.length > 0 ? ['![How long bundling takes](docs/benchmarks.svg)'] : []),
    table(['case', 'ratio', 'ours', 'compared with', ...(withBars ? ['bar', ''] : [])], cells),
    ...(contenders.length > 0 ? [contenderTable(contenders)] : []),
    notes.map((note) => `- ${note}`).join('\n'),
    `Measured on: ${machine.join('; ')}.`,
  ].join('\n\n');
}

/** A README with this text between its markers. */
export function intoReadme(readme, text) {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start === -1 || end < start) {
    throw new Error(`README.md has no \`${START}\` and \`${END}\` to write between`);
  }
  return `${readme.slice(0, start + START.length)}\n\n${text}\n\n${readme.slice(end)}`;
}
