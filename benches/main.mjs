// Measures bundling and the other ways to bundle in one run on one machine. Writes a table and a chart into the README, unless
// only a part was measured.
//
//   npm run bench -- [--quick] [--only <case>]... [--check] [--no-readme] [--no-build]
//
// `--quick` measures less often, and leaves out the hundreds of functions and the cases that need more tools. Cases are the keys
// of `CASES`. `--check` fails if a limit is missed. `benches/.work/report.md` has the
// results with the bars, and those that are not in the README.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from '../__test__/support/tools.mjs';
import { CASES } from './cases.mjs';
import { drawChart } from './chart.mjs';
import { describeMachine } from './machine.mjs';
import { intoReadme, markdown, rowLine } from './table.mjs';
import { ensureTools, work } from './tools.mjs';
import { createFive, createHundred, createThousand } from './workspaces.mjs';

const { values: settings } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    check: { type: 'boolean', default: false },
    'no-readme': { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});

const unknown = settings.only.find((name) => !Object.hasOwn(CASES, name));
if (unknown !== undefined) {
  console.error(`There is no case \`${unknown}\`: take ${Object.keys(CASES).join(', ')}.`);
  process.exit(2);
}
const wanted = Object.entries(CASES).filter(([name, { workspace }]) =>
  settings.only.length > 0 ? settings.only.includes(name) : !settings.quick || workspace === 'five',
);

function step(text) {
  console.log(`\n\u001b[1m${text}\u001b[0m`);
}

if (!settings['no-build']) {
  step('Build uv-lambda-cdk');
  run('node', [path.join(root, 'scripts/build.mjs')], { show: true });
}

step('Get the tools, make and lock the workspaces');
const tools = ensureTools({ thirdParty: !settings.quick });
const needs = (name) => wanted.some(([, { workspace }]) => workspace === name);
const bench = {
  tools,
  isQuick: settings.quick,
  // A median needs several runs. Cases that take minutes have fewer.
  rounds: settings.quick ? { quick: 3, slow: 1 } : { quick: 7, slow: 3 },
  five: needs('five') ? createFive(path.join(work, 'five'), tools) : undefined,
  hundred: needs('hundred') ? createHundred(path.join(work, 'hundred'), tools) : undefined,
  thousand: needs('thousand') ? createThousand(path.join(work, 'thousand'), tools) : undefined,
  /** The folders that all cases share: our stores, and the environments of the recipe. */
  stores: Object.fromEntries(
    ['five', 'hundred', 'thousand', 'recipe'].map((name) => [name, path.join(work, 'kept', name)]),
  ),
};
fs.rmSync(path.join(work, 'kept'), { recursive: true, force: true });

const report = { machine: describeMachine(tools), rows: [], panels: [], contenders: [], notes: [] };
for (const line of report.machine) {
  console.log(line);
}
const start = Date.now();
for (const [name, { measure }] of wanted) {
  step(name);
  const { rows, panels = [], contenders = [], notes = [] } = await measure(bench);
  for (const row of rows) {
    console.log(rowLine(row));
  }
  for (const note of notes) {
    console.log(`  ${note}`);
  }
  report.rows.push(...rows);
  report.panels.push(...panels);
  report.contenders.push(...contenders);
  report.notes.push(...notes.filter((note) => !report.notes.includes(note)));
}

const isWhole = !settings.quick && settings.only.length === 0;
const chart = drawChart(report.panels);
fs.writeFileSync(path.join(work, 'report.md'), markdown(report, { withBars: true }));
fs.writeFileSync(path.join(work, 'benchmarks.svg'), chart);
if (isWhole && !settings['no-readme']) {
  const readme = path.join(root, 'README.md');
  fs.writeFileSync(readme, intoReadme(fs.readFileSync(readme, 'utf8'), markdown(report)));
  fs.mkdirSync(path.join(root, 'docs'), { recursive: true });
  fs.writeFileSync(path.join(root, 'docs/benchmarks.svg'), chart);
}
const missed = report.rows.filter(({ isMet }) => !isMet).length;
console.log(
  `\n${report.rows.length - missed} bars met, ${missed} missed, ${((Date.now() - start) / 60_000).toFixed(1)} min`,
);
if (settings.check && missed > 0) {
  process.exit(1);
}
