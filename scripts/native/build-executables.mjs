// Builds the static executables that the Docker fallback mounts into its container: the same core as the Node add-on,
// for both CPUs, linked with musl so that any Linux image runs them.

import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../../__test__/support/tools.mjs';
import { EXECUTABLES } from './add-ons.mjs';
import { rustFlags } from './rust-flags.mjs';
import { addTargets, zigEnvironment } from './zig.mjs';

addTargets(Object.values(EXECUTABLES));
const env = { ...zigEnvironment(), ...rustFlags() };
for (const [name, target] of Object.entries(EXECUTABLES)) {
  const build = ['zigbuild', '--release', '--target', target, '--no-default-features', '--bin', 'uv-lambda-cdk'];
  run('cargo-zigbuild', build, { cwd: root, show: true, env });
  const built = path.join(root, 'target', target, 'release/uv-lambda-cdk');
  if (readFileSync(built).includes(root)) {
    throw new Error(`\`${name}\` has the path \`${root}\` of this machine in it`);
  }
  copyFileSync(built, path.join(root, 'container', name));
}
