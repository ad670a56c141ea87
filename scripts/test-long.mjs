// The tests that take longer than `npm test` may: the bytecode of every module of a real site-packages, and of
// CPythons as WebAssembly, the Docker fallback in real containers, bundles for other runtimes and CPUs with real packages, and
// every shape of project. Builds the package, the site-packages and the executables that these tests need. Node of other
// platforms is tested only if `npm run release:pack` has packed the packages.
//
//   node scripts/test-long.mjs [--without <name>]...
//
// `--without` leaves out `__test__/<name>.long.mjs`; the name `bytecode` stands for the modules of the site-packages.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runNodeTests } from './node-tests.mjs';
import { ensureUv, preferredPython, root, run } from '../__test__/support/tools.mjs';
import { INDEX_DAY } from '../__test__/support/workspaces.mjs';

/** A folder with the modules of real packages, from the index of a fixed day. */
function ensureSitePackages() {
  const folder = path.join(root, '.tools/site-packages');
  if (!existsSync(folder)) {
    const uv = ensureUv();
    const [, python] = preferredPython(uv);
    const packages = ['numpy', 'pandas', 'scikit-learn', 'boto3', 'fastapi'];
    run(uv, [
      'pip',
      'install',
      '--quiet',
      '--target',
      folder,
      '--python',
      python,
      '--exclude-newer',
      INDEX_DAY,
      ...packages,
    ]);
  }
  return folder;
}

const { without } = parseArgs({ options: { without: { type: 'string', multiple: true, default: [] } } }).values;
const tests = readdirSync(path.join(root, '__test__'))
  .filter((name) => name.endsWith('.long.mjs') && !without.includes(name.replace('.long.mjs', '')))
  .map((name) => path.join('__test__', name));

try {
  run('node', ['scripts/build.mjs'], { cwd: root, show: true });
  run('node', ['scripts/build-python.mjs'], { cwd: root, show: true });
  run('node', ['scripts/prepare-machine.mjs'], { cwd: root, show: true });
  if (!without.includes('bytecode')) {
    const bytecode = ['neither_order_nor_workers_change_a_byte', 'cpython_finds_in_it_what_it_would_compile_itself'];
    run('cargo', ['test', '--quiet', '--release', '--test', 'bytecode', '--', ...bytecode], {
      cwd: root,
      show: true,
      env: { ...process.env, BYTECODE_TREE: ensureSitePackages() },
    });
  }
  run('node', ['scripts/native/build-executables.mjs'], { cwd: root, show: true });
  run('node', ['scripts/native/build-helper.mjs', '--debug'], { cwd: root, show: true });
  runNodeTests(tests, ['--test-concurrency=1']);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
