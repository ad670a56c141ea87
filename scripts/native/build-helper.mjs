// Builds the executable that reaches a remote cache from this machine, for this checkout, by cargo alone. `build-executables.mjs` builds
// those that are published.
//
//   node scripts/native/build-helper.mjs [--debug]
//
// `--debug` compiles in a third of the time; the executable is good enough for tests.

import * as fs from 'node:fs';
import path from 'node:path';
import { root, run } from '../../__test__/support/tools.mjs';
import { helperFor } from './add-ons.mjs';
import { executable } from './inspect-add-ons.mjs';

const isDebug = process.argv.includes('--debug');
const name = helperFor(`${process.platform}-${process.arch}`);
if (name === undefined) {
  console.error(`There is no executable for ${process.platform}-${process.arch}.`);
  process.exit(1);
}
const flags = ['--no-default-features', '--features', 'remote-cache', '--bin', 'uv-lambda-cdk'];
run('cargo', ['build', '--quiet', ...(isDebug ? [] : ['--release']), ...flags], { cwd: root, show: true });
const built = path.join(root, 'target', isDebug ? 'debug' : 'release', `uv-lambda-cdk${path.extname(name)}`);
fs.mkdirSync(path.dirname(executable(name)), { recursive: true });
fs.copyFileSync(built, executable(name));
