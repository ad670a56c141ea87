// Builds everything that a checkout needs before it can be required: the Node packages, the native add-on, and the TypeScript of
// `construct/`.

import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../__test__/support/tools.mjs';
import { compileConstructs } from './compile-constructs.mjs';

/** Installs the Node packages of the lockfile if they are missing or older than it. */
function ensureNodePackages() {
  const lockfile = path.join(root, 'package-lock.json');
  const installed = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs) {
    // Not `npm ci`: it refuses a lockfile without the packages of other platforms that a registry does not mirror.
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: root, show: true });
  }
}

ensureNodePackages();
run('npx', ['napi', 'build', '--platform', '--release', '--js', 'binding.js', '--dts', 'binding.d.ts'], {
  cwd: root,
  show: true,
});
compileConstructs();
