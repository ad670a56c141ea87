// Shows the main use: the real `cdk synth` builds two Lambda zips from a uv workspace, builds them again with the same bytes,
// and AWS's own runtime client runs them. It needs no set-up, and stops at the first step that fails.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { invoke } from '../__test__/support/invoke.mjs';
import { cdkSynth, synthesisedFunctions } from '../__test__/support/synth.mjs';
import { ensureRuntimeClient, preferredPython, root, run, uvOnPathOrEnsured } from '../__test__/support/tools.mjs';
import { lock } from '../__test__/support/workspaces.mjs';
import { zipNames } from '../__test__/support/zips.mjs';

const example = path.join(root, 'examples-ts');

function step(text) {
  console.log(`\n\u001b[1m${text}\u001b[0m`);
}

/** Runs `cdk synth` and returns the bundler's line about each package on stderr. */
function synthesise(environment) {
  const { stderr } = cdkSynth({ folder: example, env: environment });
  return stderr.split('\n').filter((line) => line.startsWith('uv-lambda-cdk:'));
}

/** The functions of the synthesised stack: handler, asset hash and zip. */
function functions() {
  return synthesisedFunctions(path.join(example, 'cdk.out'), 'DemoStack').map(({ handler, key, zip }) => ({
    handler,
    hash: path.basename(key, '.zip'),
    zip,
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

step('1. Build uv-lambda-cdk');
run('node', [path.join(root, 'scripts/build.mjs')], { show: true });

step('2. Get the tools');
const uv = uvOnPathOrEnsured();
const [version, interpreter] = preferredPython(uv);
const runtimeClient = ensureRuntimeClient(interpreter, uv);
console.log(`${run(uv, ['--version']).trim()}, CPython ${version} at ${interpreter}`);
if (version !== '3.13') {
  console.log(`This machine has no Python 3.13, so the functions get the runtime python${version}.`);
}

step('3. Lock the uv workspace examples-ts');
lock(example, { uv, python: interpreter });

const environment = {
  DEMO_PYTHON: version,
  PATH: uv === 'uv' ? process.env.PATH : `${path.dirname(uv)}${path.delimiter}${process.env.PATH}`,
};
step('4. cdk synth');
rmSync(path.join(example, 'cdk.out'), { recursive: true, force: true });
for (const line of synthesise(environment)) {
  console.log(line);
}
const first = functions();
for (const { handler, hash, zip } of first) {
  console.log(`\n${handler}\n  asset    ${hash}\n  packages ${packages(zip)}`);
}

step('5. cdk synth again: nothing may change');
rmSync(path.join(example, 'cdk.out'), { recursive: true, force: true });
for (const line of synthesise(environment)) {
  console.log(line);
}
const hashes = (list) => list.map(({ hash }) => hash).join(' ');
if (hashes(first) !== hashes(functions())) {
  throw new Error(`The hashes changed between two runs: ${hashes(first)} became ${hashes(functions())}`);
}
console.log('Both zips have the same hash as before.');

step("6. Invoke both handlers from their zips, through AWS's runtime interface client");
const events = {
  'demo_lambda1.lambda_function.lambda_handler': { body: '[1.5, 2.5]' },
  'demo_lambda2.lambda_function.lambda_handler': {
    body: JSON.stringify({ customer: 'Ada', lines: [{ article: 'tea', quantity: 2, price: '1.25' }] }),
  },
};
for (const { handler, zip } of functions()) {
  const [answer] = await invoke({ zip, handler, events: [events[handler]], runtimeClient });
  console.log(`${handler} -> ${JSON.stringify(answer)}`);
  if (answer.statusCode !== 200) {
    throw new Error(`\`${handler}\` answered ${answer.statusCode}`);
  }
}
console.log('\nDone.');
