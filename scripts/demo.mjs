// Shows the main use: the real `cdk synth` builds two Lambda zips from a uv workspace, for a CDK app in TypeScript and for one in
// Python. The bytes are the same each time, and AWS's own runtime client runs them. It needs no set-up, and stops at the first
// step that fails.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sha256 } from '../__test__/support/files.mjs';
import { invoke } from '../__test__/support/invoke.mjs';
import { installExampleApp } from '../__test__/support/python-apps.mjs';
import { cdkSynth, synthesisedFunctions } from '../__test__/support/synth.mjs';
import { ensureRuntimeClient, preferredPython, root, run, uvOnPathOrEnsured } from '../__test__/support/tools.mjs';
import { lock } from '../__test__/support/workspaces.mjs';
import { zipNames } from '../__test__/support/zips.mjs';

const inTypeScript = path.join(root, 'examples-ts');
const inPython = path.join(root, 'examples-python');

const started = Date.now();

function step(text) {
  console.log(`\n\u001b[1m${text}\u001b[0m`);
}

/** The functions that `cdk synth` makes in a new output folder: handler, zip, and its SHA-256. Shows the bundler's lines. */
function synthesise(folder, environment = {}) {
  rmSync(path.join(folder, 'cdk.out'), { recursive: true, force: true });
  const { stderr } = cdkSynth({ folder, flags: settings.flags, env: { ...settings.env, ...environment } });
  for (const line of stderr.split('\n').filter((text) => text.startsWith('uv-lambda-cdk:'))) {
    console.log(line);
  }
  return synthesisedFunctions(path.join(folder, 'cdk.out'), 'DemoStack').map(({ handler, zip }) => ({
    handler,
    zip,
    hash: sha256(zip),
  }));
}

/** The packages of a zip, as `name version`. */
function packages(zip) {
  const found = zipNames(zip).map((name) => /^([^/]+)-([^/-]+)\.dist-info\/METADATA$/.exec(name));
  return found
    .filter(Boolean)
    .map(([, name, version]) => `${name} ${version}`)
    .toSorted()
    .join(', ');
}

/** Throws if the zips of two lists of functions differ. */
function compare(first, second) {
  const [before, after] = [first, second].map((list) => list.map(({ hash }) => hash).join(' '));
  if (before !== after) {
    throw new Error(`The zips differ: their hashes were ${before}, and are ${after}`);
  }
}

step('1. Build uv-lambda-cdk, for Node and for Python');
run('node', [path.join(root, 'scripts/build.mjs')], { show: true });
run('node', [path.join(root, 'scripts/build-python.mjs')], { show: true });

step('2. Get the tools');
const uv = uvOnPathOrEnsured();
const [version, interpreter] = preferredPython(uv);
const runtimeClient = ensureRuntimeClient(interpreter, uv);
console.log(`${run(uv, ['--version']).trim()}, CPython ${version} at ${interpreter}`);
const isPinned = version === '3.13';
if (!isPinned) {
  console.log(`This machine has no Python 3.13, so the functions get the runtime python${version}.`);
}
const settings = {
  flags: isPinned ? [] : ['--context', `python=${version}`],
  env: {
    PATH: uv === 'uv' ? process.env.PATH : `${path.dirname(uv)}${path.delimiter}${process.env.PATH}`,
    // For `uv run`, which starts the app in Python.
    UV_PYTHON: interpreter,
  },
};

step('3. Lock the uv workspaces examples-ts and examples-python, and install the app in Python');
for (const folder of [inTypeScript, inPython]) {
  lock(folder, { uv, python: interpreter });
}
installExampleApp(inPython, { uv, python: interpreter });

step('4. cdk synth, with the app in TypeScript');
const functions = synthesise(inTypeScript);
for (const { handler, hash, zip } of functions) {
  console.log(`\n${handler}\n  sha256   ${hash}\n  packages ${packages(zip)}`);
}

step('5. cdk synth again: nothing may change');
compare(functions, synthesise(inTypeScript));
console.log('Both zips have the same hash as before.');

step('6. cdk synth, with the app in Python: the same zips');
// With an empty cache of its own: otherwise it would get the zips that are already built.
const cache = mkdtempSync(path.join(tmpdir(), 'uv-lambda-cdk-demo-'));
try {
  compare(functions, synthesise(inPython, { UV_LAMBDA_CDK_CACHE_DIR: cache }));
} finally {
  rmSync(cache, { recursive: true, force: true });
}
console.log('Both zips have the same hash as those of the app in TypeScript.');

step("7. Invoke both handlers from their zips, through AWS's runtime interface client");
const events = {
  'demo_lambda1.lambda_function.lambda_handler': { body: '[1.5, 2.5]' },
  'demo_lambda2.lambda_function.lambda_handler': {
    body: JSON.stringify({ customer: 'Ada', lines: [{ article: 'tea', quantity: 2, price: '1.25' }] }),
  },
};
for (const { handler, zip } of functions) {
  const [answer] = await invoke({ zip, handler, events: [events[handler]], runtimeClient });
  console.log(`${handler} -> ${JSON.stringify(answer)}`);
  if (answer.statusCode !== 200) {
    throw new Error(`\`${handler}\` answered ${answer.statusCode}`);
  }
}
console.log(`\nDone, in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
