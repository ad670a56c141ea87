// Builds the static executables that the Docker fallback mounts into its container: the same core as the Node add-on,
// for both CPUs, linked with musl so that any Linux image runs them. Zig, from PyPI, is the C compiler and linker.

import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../__test__/support/tools.mjs';

const EXECUTABLES = {
  'x86_64-unknown-linux-musl': 'uv-lambda-cdk-x86_64',
  'aarch64-unknown-linux-musl': 'uv-lambda-cdk-arm64',
};

const zig = path.join(root, '.tools/zig');
if (!existsSync(path.join(zig, 'bin/cargo-zigbuild'))) {
  const packages = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0'];
  run('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', zig, ...packages]);
}
run('rustup', ['target', 'add', ...Object.keys(EXECUTABLES)], { show: true });
for (const [target, name] of Object.entries(EXECUTABLES)) {
  const build = ['zigbuild', '--release', '--target', target, '--no-default-features', '--bin', 'uv-lambda-cdk'];
  run(path.join(zig, 'bin/cargo-zigbuild'), build, {
    cwd: root,
    show: true,
    env: { ...process.env, PYTHONPATH: zig, CARGO_ZIGBUILD_ZIG_PATH: path.join(zig, 'bin/python-zig') },
  });
  copyFileSync(path.join(root, 'target', target, 'release/uv-lambda-cdk'), path.join(root, 'container', name));
}
