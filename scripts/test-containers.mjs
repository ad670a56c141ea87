// The tests of the Docker fallback, with what they need: the executables that run inside, and real containers.

import path from 'node:path';
import { root, run } from './tools.mjs';

for (const args of [
  ['scripts/build.mjs'],
  ['scripts/build-executables.mjs'],
  ['--test', path.join('__test__', 'containers.long.mjs')],
]) {
  run('node', args, { cwd: root, show: true });
}
