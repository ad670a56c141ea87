// Builds everything that a checkout needs before it can be required: the Node packages, the native add-on, and the TypeScript of
// `construct/`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../__test__/support/tools.mjs';
import { compileConstructs, ensurePackage } from './compile-constructs.mjs';

/** Starts a program. The promise is rejected if it cannot be started or fails. */
async function start(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status] = await once(child, 'close');
  if (status !== 0) {
    throw new Error(`\`${[program, ...args].join(' ')}\` failed`);
  }
}

/** Installs the Node packages of the lockfile if they are missing or older than it. */
function ensureNodePackages() {
  const lockfile = path.join(root, 'package-lock.json');
  const installed = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs) {
    // Not `npm ci`: it refuses a lockfile without the packages of other platforms that a registry does not mirror.
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: root, show: true });
  }
}

// npm waits for the network, so it runs beside cargo: first beside the downloads of cargo, then beside its compilers.
const fetched = start('cargo', ['fetch', '--quiet']);
ensureNodePackages();
await fetched;
const napi = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const flags = ['--platform', '--release', '--js', 'binding.js', '--dts', 'binding.d.ts'];
const built = start(process.execPath, [napi, 'build', ...flags]);
ensurePackage();
await built;
compileConstructs();
