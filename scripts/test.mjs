// All tests, on a machine that has only git, Node, Rust and Python 3 with pip: builds, then runs the Rust tests, the
// type tests and the Node tests.

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { runNodeTests } from './node-tests.mjs';
import { root, run } from '../__test__/support/tools.mjs';

function step(text, program, args) {
  console.log(`\n> ${text}`);
  const start = Date.now();
  run(program, args, { cwd: root, show: true });
  console.log(`  (${((Date.now() - start) / 1000).toFixed(0)} s)`);
}

const nodeTests = readdirSync(path.join(root, '__test__'))
  .filter((name) => name.endsWith('.test.mjs'))
  .map((name) => path.join('__test__', name));

try {
  step('build', 'node', ['scripts/build.mjs']);
  step('build the Python package', 'node', ['scripts/build-python.mjs']);
  step('Rust tests', 'cargo', ['test', '--quiet']);
  step('type tests', 'npx', ['tsc', '--project', 'tsconfig.json']);
  step('type-check the example', 'npx', ['tsc', '--project', 'examples-ts/tsconfig.json']);
  console.log('\n> Node tests');
  // Node leaves a core free, so that on two cores only one file would run at a time.
  runNodeTests(nodeTests, [`--test-concurrency=${availableParallelism()}`]);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
