// The cases, each with the limit that it has to keep (`bar`). A case returns rows of the table and, if there are any, bars of
// the chart, measurements of other contenders, and notes.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { removeBytecode, timeImports, unpackTask } from '../__test__/support/imports.mjs';
import { median, sum } from '../__test__/support/numbers.mjs';
import { run } from '../__test__/support/tools.mjs';
import { unpackZip, unzip } from '../__test__/support/zips.mjs';
import { UV_PIP, thirdParty } from './contenders.mjs';
import { processesOf, systemCallsOfHit, whyNotCounted } from './counts.mjs';
import { bundleAllInNode, bundleInApp, bundleInAppWatched, publish, seconds, takeTurns } from './measure.mjs';
import { emptyFolder, zipFolder } from './tools.mjs';
import { remoteFive, remoteHundred } from './remote-cases.mjs';
import { KINDS_OF_HUNDRED, LARGEST, SMALLEST, changeLine, changedFile, countFiles } from './workspaces.mjs';
import { duration, durations, factor, megabytes, percent } from './wording.mjs';

/** The sum of the seconds of all functions of one run. */
const total = ({ functions }, what) => sum(functions.map((one) => one[what]));

/** The median of the seconds of several runs for one function. */
const medianOf = (runs, name) =>
  median(runs.map(({ functions }) => functions.find((one) => one.name === name).tryBundleSeconds));

/** The size of several files together, in bytes. */
const sizes = (files) => sum(files.map((file) => fs.statSync(file).size));

/** Whether a file in a zip or a folder of CDK contains a text. */
function holds(asset, file, text) {
  const found = fs.statSync(asset).isDirectory()
    ? fs.readFileSync(path.join(asset, file), 'utf8')
    : Buffer.from(unzip(asset)[file], 'latin1').toString();
  return found.includes(text);
}

/** The note if nothing changed but ours still built bundles, so that the numbers are not misread. */
function madeAgain(runs) {
  const made = runs.flatMap(({ functions }) => functions.filter(({ isReused }) => !isReused).map(({ name }) => name));
  return made.length === 0 ? [] : [`Nothing changed, and yet ours made ${[...new Set(made)].length} functions again.`];
}

/** `tryBundle` where nothing changed since the last run of the app. */
function nothingChanged({ tools, five, stores, rounds }) {
  const jobs = {
    ours: { contender: 'ours', workspace: five, functions: five.functions, store: stores.five, tools },
    recipe: {
      contender: 'recipe',
      workspace: five,
      functions: five.functions,
      environments: stores.recipe,
      tools,
    },
  };
  Object.values(jobs).forEach(bundleInApp);
  const runs = takeTurns(rounds.quick, {
    ours: () => bundleInApp(jobs.ours),
    recipe: () => bundleInApp(jobs.recipe),
  });
  const totals = runs.ours.map((one) => total(one, 'tryBundleSeconds'));
  const [ours, recipe] = [median(totals), median(runs.recipe.map((one) => total(one, 'tryBundleSeconds')))];
  const each = five.functions.map(({ name }) => ({
    name,
    ours: medianOf(runs.ours, name),
    recipe: medianOf(runs.recipe, name),
  }));
  const withHash = {
    ours: median(runs.ours.map((one) => total(one, 'seconds'))),
    recipe: median(runs.recipe.map((one) => total(one, 'seconds'))),
  };
  const [first, ...others] = each;
  const slowest = others.reduce((left, right) => (left.ours > right.ours ? left : right));
  const shown = each.map((one) => `${one.name} ${duration(one.ours)} and ${duration(one.recipe)}`).join(', ');
  return {
    rows: [
      {
        name: 'nothing changed, five functions',
        ratio: factor(recipe / ours),
        ours: durations(totals),
        other: `recipe: ${duration(recipe)}`,
        bar: '1,500 times faster',
        isMet: recipe / ours >= 1500,
      },
      {
        name: 'nothing changed, the first function of a process',
        ratio: factor(first.recipe / first.ours),
        ours: duration(first.ours),
        other: `recipe: ${duration(first.recipe)}`,
        bar: 'at most 5 ms',
        isMet: first.ours <= 0.005,
      },
      {
        name: `nothing changed, the slowest of the others (${slowest.name})`,
        ratio: factor(slowest.recipe / slowest.ours),
        ours: duration(slowest.ours),
        other: `recipe: ${duration(slowest.recipe)}`,
        bar: 'at most 1.5 ms',
        isMet: slowest.ours <= 0.0015,
      },
    ],
    panels: [
      {
        title: 'Nothing changed: tryBundle of five functions',
        bars: [
          { name: 'uv-lambda-cdk', seconds: ours },
          { name: 'the recipe', seconds: recipe },
        ],
      },
    ],
    notes: [
      `Nothing changed, each function, ours and the recipe: ${shown}.`,
      `Nothing changed, with the hashing that CDK does after \`tryBundle\`: ${duration(withHash.ours)} and ${duration(withHash.recipe)} in all.`,
      ...madeAgain(runs.ours),
    ],
  };
}

/** The system calls of an unchanged bundle, and the processes of a changed one. */
function counts({ tools, five, stores }) {
  const missing = whyNotCounted();
  if (missing !== undefined) {
    return { rows: [], notes: [`System calls and processes are not counted: ${missing}.`] };
  }
  const functions = five.functions.filter(({ name }) => name === SMALLEST);
  const job = { workspace: five, functions, store: stores.five, tools };
  // The first run builds it, the second finds it unchanged.
  processesOf(job);
  const unchanged = processesOf(job);
  const calls = systemCallsOfHit(job);
  const files = countFiles(five, SMALLEST);
  changeLine(five, SMALLEST);
  const edited = processesOf(job);
  return {
    rows: [
      {
        name: 'nothing changed, system calls of a function after the first',
        ratio: '',
        ours: calls.toFixed(1),
        other: `source files of its local packages: ${files}`,
        bar: `at most 40 + 2 for each of these files: ${40 + 2 * files}`,
        isMet: calls <= 40 + 2 * files,
      },
      {
        name: 'nothing changed, processes that a function starts',
        ratio: '',
        ours: `${unchanged.length}`,
        other: `one line changed: ${edited.length}`,
        bar: 'none',
        isMet: unchanged.length === 0,
      },
    ],
    notes: [`One line changed, the processes: ${edited.join(', ')}.`],
  };
}

/** `tryBundle` of the largest and of the smallest function after an edit. */
const oneLine = (bench) => edited(bench, LARGEST, { faster: 8, more: 0.1 });
const oneLineOfSmall = (bench) => edited(bench, SMALLEST, { more: 0.04 });

/**
 * `tryBundle` of a function after an edit.
 *
 * @param bars `faster`, how many times faster than the recipe; `more`, how many seconds more than uv's own build
 */
function edited({ tools, five, stores, rounds }, name, bars) {
  const functions = five.functions.filter((one) => one.name === name);
  const jobs = {
    ours: { contender: 'ours', workspace: five, functions, store: stores.five, tools },
    recipe: { contender: 'recipe', workspace: five, functions, environments: stores.recipe, tools },
  };
  Object.values(jobs).forEach(bundleInApp);
  const isShipped = ({ functions: [{ asset }] }, line) => holds(asset, changedFile(name), line);

  const firstLine = changeLine(five, name);
  const isStale = !isShipped(bundleInApp(jobs.recipe), firstLine);

  const bundleEdited = (job) => {
    const line = changeLine(five, name);
    const result = bundleInApp(job);
    if (!isShipped(result, line)) {
      throw new Error(`${job.contender} does not ship the line that was changed`);
    }
    return total(result, 'tryBundleSeconds');
  };
  const runs = takeTurns(rounds.quick, {
    ours: () => bundleEdited(jobs.ours),
    recipe: () => bundleEdited({ ...jobs.recipe, reinstall: isStale }),
    build() {
      changeLine(five, name);
      const folder = emptyFolder('wheels');
      const args = ['build', '--quiet', '--wheel', '--package', name, '--out-dir', folder, '--python', tools.python];
      return seconds(() => run(tools.uv, args, { cwd: five.folder, env: tools.environment }));
    },
  });
  const [ours, recipe, build] = [runs.ours, runs.recipe, runs.build].map(median);
  const againstRecipe = {
    name: `one line changed in ${name}`,
    ratio: factor(recipe / ours),
    ours: durations(runs.ours),
    other: `recipe: ${duration(recipe)}`,
    bar: `${bars.faster} times faster`,
    isMet: recipe / ours >= bars.faster,
  };
  const title = `One line changed in ${name}: tryBundle`;
  return {
    rows: [
      ...(bars.faster === undefined ? [] : [againstRecipe]),
      {
        name: `one line changed in ${name}, against uv's own build of it`,
        ratio: `${ours >= build ? '+' : '−'}${duration(Math.abs(ours - build))}`,
        ours: durations(runs.ours),
        other: `\`uv build\`: ${duration(build)}`,
        bar: `at most ${duration(bars.more)} more`,
        isMet: ours - build <= bars.more,
      },
    ],
    panels: [
      {
        title,
        bars: [
          { name: 'uv-lambda-cdk', seconds: ours },
          { name: 'the recipe', seconds: recipe },
        ],
      },
    ],
    notes: isStale
      ? [
          'One line changed: as it stands, the recipe ships the old code, since uv keeps the wheel that it built of a local package. So it is measured with `--reinstall-package` for the one that was changed.',
        ]
      : [],
  };
}

/** Five zips ready for upload, when neither we nor the recipe have built any before. */
function storeEmpty({ tools, five, rounds, isQuick }) {
  const ours = () =>
    bundleInApp({
      contender: 'ours',
      workspace: five,
      functions: five.functions,
      store: emptyFolder('stores', 'empty'),
      tools,
    });
  const recipe = () =>
    bundleInApp({
      contender: 'recipe',
      workspace: five,
      functions: five.functions,
      environments: emptyFolder('environments', 'empty'),
      tools,
    });
  const others = [UV_PIP, ...(isQuick ? [] : thirdParty(five, tools))];
  // Once beforehand, so that all packages of the index are in the cache of uv.
  UV_PIP.build(five, five.functions[0], tools);
  const zips = Object.fromEntries(others.map(({ title }) => [title, []]));
  const runs = takeTurns(rounds.slow, {
    ours() {
      const { functions } = ours();
      return { construct: total({ functions }, 'seconds'), bytes: sizes(functions.map(({ asset }) => asset)) };
    },
    recipe() {
      const { functions } = recipe();
      const published = publish(functions, tools);
      return { construct: total({ functions }, 'seconds'), publish: published.seconds, bytes: sizes(published.zips) };
    },
    ...Object.fromEntries(
      others
        .filter(({ missing }) => missing === undefined)
        .map(({ title, build }) => [
          title,
          () => seconds(() => (zips[title] = five.functions.map((wanted) => build(five, wanted, tools)))),
        ]),
    ),
  });
  const oursSeconds = median(runs.ours.map(({ construct }) => construct));
  const recipeSeconds = median(runs.recipe.map(({ construct, publish: zip }) => construct + zip));
  const publishSeconds = median(runs.recipe.map((one) => one.publish));
  const uvPip = median(runs[UV_PIP.title]);
  const contenders = others.map(({ title, missing }) =>
    missing === undefined ? { title, seconds: median(runs[title]), bytes: sizes(zips[title]) } : { title, missing },
  );
  return {
    rows: [
      {
        name: 'our store empty, five zips ready to upload',
        ratio: factor(oursSeconds / recipeSeconds),
        ours: durations(runs.ours.map(({ construct }) => construct)),
        other: `recipe and zip: ${duration(recipeSeconds)}`,
        bar: 'at most 0.36 times',
        isMet: oursSeconds <= 0.36 * recipeSeconds,
      },
      {
        name: 'our store empty, five zips, against a way without bytecode',
        ratio: factor(oursSeconds / uvPip),
        ours: duration(oursSeconds),
        other: `${UV_PIP.title}: ${duration(uvPip)}`,
        bar: 'at most 0.65 times',
        isMet: oursSeconds <= 0.65 * uvPip,
      },
    ],
    panels: [
      {
        title: 'Nothing made before: five zips ready to upload',
        bars: [
          { name: 'uv-lambda-cdk', seconds: oursSeconds },
          { name: 'the recipe, and zip', seconds: recipeSeconds },
          ...contenders
            .filter(({ missing }) => missing === undefined)
            .map(({ title, seconds: taken }) => ({ name: plain(title), seconds: taken })),
        ],
      },
    ],
    contenders: [
      { title: 'uv-lambda-cdk', seconds: oursSeconds, bytes: runs.ours[0].bytes, hasBytecode: true },
      {
        title: 'the recipe, and the zip that CDK makes when it publishes',
        seconds: recipeSeconds,
        bytes: runs.recipe[0].bytes,
        hasBytecode: true,
      },
      ...contenders.map((contender) => ({ ...contender, hasBytecode: false })),
    ],
    notes: [
      `The recipe's zips are made as \`cdk\` makes them when it publishes (${tools.yazl.name}, its own loop), ${duration(publishSeconds)} of its time.`,
      ...others.map(({ note }) => note).filter(Boolean),
    ],
  };
}

/** A title without Markdown and without text in brackets. */
const plain = (title) => title.replaceAll('`', '').replaceAll(/ \(.*?\)/g, '');

/** A hundred functions, none of which was built before. */
function hundredEmpty({ tools, hundred, stores, rounds }) {
  const sample = hundred.functions.slice(0, KINDS_OF_HUNDRED);
  const scale = hundred.functions.length / sample.length;
  const runs = takeTurns(rounds.slow, {
    ours() {
      fs.rmSync(stores.hundred, { recursive: true, force: true });
      const job = { contender: 'ours', workspace: hundred, functions: hundred.functions, store: stores.hundred, tools };
      return total(bundleInApp(job), 'seconds');
    },
    all() {
      const store = emptyFolder('stores', 'empty');
      return bundleAllInNode({ workspace: hundred, functions: hundred.functions, store, tools });
    },
    recipe() {
      const environments = emptyFolder('environments', 'hundred');
      const { functions } = bundleInApp({
        contender: 'recipe',
        workspace: hundred,
        functions: sample,
        environments,
        tools,
      });
      return scale * (total({ functions }, 'seconds') + publish(functions, tools).seconds);
    },
  });
  const [ours, all, recipe] = [runs.ours, runs.all, runs.recipe].map(median);
  return {
    rows: [
      {
        name: 'our store empty, 100 functions that share dependencies, zips ready to upload',
        ratio: factor(recipe / ours),
        ours: durations(runs.ours),
        other: `recipe and zip: ${duration(recipe)}`,
        bar: '25 times faster',
        isMet: recipe / ours >= 25,
      },
      {
        name: 'the same, by `bundleAll`',
        ratio: factor(recipe / all),
        ours: durations(runs.all),
        other: `recipe and zip: ${duration(recipe)}`,
        bar: '40 times faster',
        isMet: recipe / all >= 40,
      },
    ],
    panels: [
      {
        title: 'Nothing made before: 100 functions',
        bars: [
          { name: 'uv-lambda-cdk', seconds: ours },
          { name: 'the recipe, and zip', seconds: recipe },
        ],
      },
    ],
    notes: [sampled(sample)],
  };
}

const sampled = (sample) =>
  `100 functions: the recipe is measured on ${sample.length} of them, one of each kind, and its time is multiplied.`;

/** A hundred functions, none of which changed. */
function hundredUnchanged({ tools, hundred, stores, rounds }) {
  const sample = hundred.functions.slice(0, KINDS_OF_HUNDRED);
  const scale = hundred.functions.length / sample.length;
  const jobs = {
    ours: { contender: 'ours', workspace: hundred, functions: hundred.functions, store: stores.hundred, tools },
    recipe: {
      contender: 'recipe',
      workspace: hundred,
      functions: sample,
      environments: emptyFolder('environments', 'hundred'),
      tools,
    },
  };
  Object.values(jobs).forEach(bundleInApp);
  const runs = takeTurns(rounds.slow, {
    ours: () => bundleInApp(jobs.ours),
    recipe: () => bundleInApp(jobs.recipe),
  });
  const totals = runs.ours.map((one) => total(one, 'tryBundleSeconds'));
  const ours = median(totals);
  const recipe = scale * median(runs.recipe.map((one) => total(one, 'tryBundleSeconds')));
  return {
    rows: [
      {
        name: 'nothing changed, 100 functions',
        ratio: factor(recipe / ours),
        ours: durations(totals),
        other: `recipe: ${duration(recipe)}`,
        bar: 'at most 150 ms',
        isMet: ours <= 0.15,
      },
    ],
    notes: [sampled(sample), ...madeAgain(runs.ours)],
  };
}

/** A thousand functions, none of which changed, against a hundred of the same workspace. */
function thousandUnchanged({ tools, thousand, stores, rounds }) {
  const job = { contender: 'ours', workspace: thousand, functions: thousand.functions, store: stores.thousand, tools };
  const tenth = { ...job, functions: thousand.functions.slice(0, 100) };
  bundleInApp(job);
  bundleInApp(job);
  const runs = takeTurns(rounds.slow, { all: () => bundleInApp(job), tenth: () => bundleInApp(tenth) });
  const [all, hundred] = [runs.all, runs.tenth].map((list) => list.map((one) => total(one, 'tryBundleSeconds')));
  const ratio = median(all) / median(hundred);
  return {
    rows: [
      {
        name: 'nothing changed, 1,000 functions',
        ratio: factor(ratio),
        ours: durations(all),
        other: `100 of them: ${duration(median(hundred))}`,
        bar: 'at most 11 times as long',
        isMet: ratio <= 11,
      },
    ],
    notes: madeAgain(runs.all),
  };
}

/** Peak memory while the pandas function is built. */
async function memory({ tools, five, rounds }) {
  const functions = five.functions.filter(({ name }) => name === LARGEST);
  const runs = { ours: [], recipe: [] };
  for (let round = 0; round < rounds.slow; round += 1) {
    for (const contender of ['ours', 'recipe']) {
      const store = emptyFolder('stores', 'empty');
      const environments = emptyFolder('environments', 'empty');
      const job = { contender, workspace: five, functions, store, environments, tools };
      runs[contender].push(await bundleInAppWatched(job));
    }
  }
  const [ours, recipe] = [runs.ours, runs.recipe].map((list) => median(list.map(({ treeMemory }) => treeMemory)));
  const [before, node] = ['memoryBefore', 'memory'].map((field) => median(runs.ours.map((one) => one[field])));
  return {
    rows: [
      {
        name: 'peak memory, pandas function, our store empty',
        ratio: factor(ours / recipe),
        ours: megabytes(ours),
        other: `recipe: ${megabytes(recipe)}`,
        bar: 'at most 190 MB',
        isMet: ours <= 190e6,
      },
    ],
    notes: [
      `Memory is what Node and all that it starts (uv, Python) have resident at one time, looked at every 10 ms${process.platform === 'linux' ? '' : '; on this machine, that of Node alone'}. Of ours, Node alone has ${megabytes(node)} at its peak, and ${megabytes(before)} before anything is bundled, with \`aws-cdk-lib\` loaded.`,
    ],
  };
}

/** The unpacked zips of the five functions; built once for all cases that need them. */
function bundles({ tools, five, stores }) {
  const job = { contender: 'ours', workspace: five, functions: five.functions, store: stores.five, tools };
  return bundleInApp(job).functions;
}

/** The size of our zips against the strongest setting of `zip`. */
function size(bench) {
  const { tools } = bench;
  const sizes = bundles(bench).map(({ name, asset }) => {
    const folder = emptyFolder('unpacked', name);
    unpackZip(asset, folder, tools.python);
    const zip = zipFolder(folder, path.join(emptyFolder('zipped', name), `${name}.zip`), tools, 9);
    const [ours, other] = [asset, zip].map((file) => fs.statSync(file).size);
    return { name, ours, other };
  });
  const [ours, other] = ['ours', 'other'].map((which) => sum(sizes.map((one) => one[which])));
  const worst = sizes.reduce((left, right) => (left.ours / left.other > right.ours / right.other ? left : right));
  return {
    rows: [
      {
        name: 'size of the five zips',
        ratio: percent(ours / other),
        ours: megabytes(ours),
        other: `\`zip -9\` of the same files: ${megabytes(other)}`,
        bar: 'no larger, each of them',
        isMet: worst.ours <= worst.other,
      },
    ],
    notes: [
      `Size: the zip that is closest to that of \`zip -9\` is ${worst.name}'s, with ${percent(worst.ours / worst.other)}.`,
    ],
  };
}

/** How long the handlers' modules take to import from a read-only tree. */
function imports(bench) {
  const { tools, five, rounds } = bench;
  const times = bundles(bench).map(({ name, asset }) => {
    const folder = emptyFolder('imports');
    const { module } = five.functions.find((one) => one.name === name);
    const [task, bare] = [unpackTask(asset, tools.python, folder), unpackTask(asset, tools.python, folder)];
    try {
      removeBytecode(bare);
      return { name, ...timeImports(task, bare, [module], rounds.quick) };
    } finally {
      task.remove();
      bare.remove();
    }
  });
  const [ours, other] = ['with', 'without'].map((which) => sum(times.map((one) => one[which])));
  const saved = ({ with: taken, without }) => 1 - taken / without;
  const each = times.map((one) => `${one.name} ${percent(saved(one))} of ${duration(one.without)}`).join(', ');
  return {
    rows: [
      {
        name: 'import of the five handlers, new process, read-only tree',
        ratio: `${percent(1 - ours / other)} less`,
        ours: duration(ours),
        other: `without bytecode: ${duration(other)}`,
        bar: 'at least 40 % less',
        isMet: 1 - ours / other >= 0.4,
      },
    ],
    notes: [`Import, what the bytecode saves of each handler: ${each}.`],
  };
}

/** The cases by the names that `--only` takes, in the order of the table. */
export const CASES = {
  unchanged: { measure: nothingChanged, workspace: 'five' },
  counts: { measure: counts, workspace: 'five' },
  edited: { measure: oneLine, workspace: 'five' },
  'edit-small': { measure: oneLineOfSmall, workspace: 'five' },
  empty: { measure: storeEmpty, workspace: 'five' },
  'hundred-empty': { measure: hundredEmpty, workspace: 'hundred' },
  'hundred-unchanged': { measure: hundredUnchanged, workspace: 'hundred' },
  'thousand-unchanged': { measure: thousandUnchanged, workspace: 'thousand' },
  'remote-five': { measure: remoteFive, workspace: 'five' },
  'remote-hundred': { measure: remoteHundred, workspace: 'hundred' },
  memory: { measure: memory, workspace: 'five' },
  size: { measure: size, workspace: 'five' },
  imports: { measure: imports, workspace: 'five' },
};
