// The tests that take longer than `npm test` may: the Docker fallback in real containers, and bundles for other
// runtimes and CPUs with real packages. Makes what they need: the package, and the executables that run in containers.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './tools.mjs';

const tests = readdirSync(path.join(root, '__test__'))
  .filter((name) => name.endsWith('.long.mjs'))
  .map((name) => path.join('__test__', name));

try {
  run('node', ['scripts/build.mjs'], { cwd: root, show: true });
  run('node', ['scripts/build-executables.mjs'], { cwd: root, show: true });
  run('node', ['--test', '--test-concurrency=1', ...tests], { cwd: root, show: true });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
