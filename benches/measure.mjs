// Starts one measurement in a new process, and combines several.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { sum } from '../__test__/support/numbers.mjs';
import { root, run } from '../__test__/support/tools.mjs';
import { emptyFolder } from './tools.mjs';

/** Runs something and returns the seconds that it took. */
export function seconds(work) {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** Measures all contenders in turns, so that other work of the machine slows down all of them. */
export function takeTurns(rounds, contenders) {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(contenders)) {
      results[name].push(measure(round));
    }
  }
  return results;
}

/** The job for `app.mjs`: the contender, the functions, their workspace, and the tools. */
function appCommand({ contender, workspace, functions, environments, reinstall, tools }) {
  const job = {
    contender,
    workspace: workspace.folder,
    functions,
    environments,
    reinstall,
    outdir: emptyFolder('cdk.out', `${path.basename(workspace.folder)}-${contender}`),
    uv: tools.uv,
    python: tools.python,
    runtime: `python${tools.pythonVersion}`,
    architecture: tools.architecture,
  };
  return [process.execPath, [path.join(root, 'benches/app.mjs'), JSON.stringify(job)]];
}

/** The environment of the app; `store` is the folder of our store. */
const appEnvironment = ({ tools, store }) => ({ ...tools.environment, UV_LAMBDA_CDK_CACHE_DIR: store });

/**
 * Lets an app bundle functions in a process of its own.
 *
 * @returns `{ functions: [{ name, tryBundleSeconds, seconds, asset, isReused }], memoryBefore, memory }`: `seconds` are those of
 *   the construct, with all that CDK does; memory is in bytes: the peak of Node, and its value before
 */
export function bundleInApp(job) {
  const [program, args] = appCommand(job);
  return JSON.parse(run(program, args, { cwd: root, env: appEnvironment(job) }));
}

/** The options of `bundle` for a function, as the construct in `app.mjs` passes them. */
export function bundleOptions({ workspace, wanted, store, tools }) {
  return {
    path: workspace.folder,
    packageName: wanted.name,
    handler: wanted.handler,
    runtime: `python${tools.pythonVersion}`,
    architecture: tools.architecture,
    uv: tools.uv,
    python: tools.python,
    cacheDir: store,
    // pandas with pyarrow is larger than a Lambda function may be; the other tools bundle it too.
    maxSize: { unzipped: '400 MB' },
  };
}

/** Bundles functions by `bundleAll`, in a process of its own. Returns the seconds that this took. */
export function bundleAllInNode({ workspace, functions, store, tools }) {
  const folder = emptyFolder('bundles');
  const requests = functions.map((wanted) => ({
    options: bundleOptions({ workspace, wanted, store, tools }),
    outputDir: path.join(folder, wanted.name),
  }));
  const program = `
    const { bundleAll } = require(${JSON.stringify(root)});
    const start = performance.now();
    bundleAll(${JSON.stringify(requests)}).then(() => console.log((performance.now() - start) / 1000));
  `;
  return Number(run(process.execPath, ['--eval', program], { env: tools.environment }));
}

/**
 * The same, and measures memory.
 *
 * @returns also `treeMemory`, the peak of Node and everything that it starts, at one time, in bytes; only on Linux.
 *   Memory that two processes share counts twice.
 */
export async function bundleInAppWatched(job) {
  const [program, args] = appCommand(job);
  const child = spawn(program, args, {
    cwd: root,
    env: appEnvironment(job),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  let treeMemory = 0;
  const timer = setInterval(() => (treeMemory = Math.max(treeMemory, residentMemory(child.pid))), 10);
  const status = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  clearInterval(timer);
  if (status !== 0) {
    throw new Error(`the app failed\n${stderr}`);
  }
  const result = JSON.parse(stdout);
  // The kernel's own peak of Node is exact; the tree is measured only every ten milliseconds.
  return { ...result, treeMemory: Math.max(treeMemory, result.memory) };
}

/** The resident memory of a process and its descendants, in bytes; 0 if there is no `/proc`. */
function residentMemory(process) {
  if (!fs.existsSync('/proc')) {
    return 0;
  }
  const all = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = fs.readFileSync(`/proc/${name}/status`, 'utf8');
        const field = (label) => Number(status.match(new RegExp(`^${label}:\\s+(\\d+)`, 'm'))?.[1] ?? 0);
        return [{ id: Number(name), parent: field('PPid'), bytes: field('VmRSS') * 1024 }];
      } catch {
        return []; // It has ended meanwhile.
      }
    });
  const bytesOf = (id) =>
    sum(all.filter(({ parent }) => parent === id).map((child) => bytesOf(child.id))) +
    (all.find((one) => one.id === id)?.bytes ?? 0);
  return bytesOf(process);
}

/** Zips the assets of functions as the `cdk` command does; `{ seconds, zips }`. */
export function publish(functions, tools) {
  const folder = emptyFolder('published');
  if (tools.yazl.missing !== undefined) {
    throw new Error(`\`${tools.yazl.name}\` cannot be installed: ${tools.yazl.missing}`);
  }
  const jobs = functions.map(({ name, asset }) => [asset, path.join(folder, `${name}.zip`)]);
  const script = path.join(root, 'benches/publish.mjs');
  const taken = Number(run(process.execPath, [script, tools.yazl.module, JSON.stringify(jobs)]));
  return { seconds: taken, zips: jobs.map(([, zip]) => zip) };
}
