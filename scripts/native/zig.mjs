// Zig, from PyPI, as the C compiler and linker for other systems and CPUs.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { installFromPyPI, root, run } from '../../__test__/support/tools.mjs';

const folder = path.join(root, '.tools/zig');

/** Installs the standard library of Rust for these targets. */
export function addTargets(targets) {
  run('rustup', ['target', 'add', ...targets], { show: true });
}

/** Installs Zig, and returns the environment of a build that uses it. */
export function zigEnvironment() {
  if (!existsSync(path.join(folder, 'bin/cargo-zigbuild'))) {
    installFromPyPI(folder, ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0']);
  }
  return {
    ...process.env,
    PATH: `${path.join(folder, 'bin')}${path.delimiter}${process.env.PATH}`,
    PYTHONPATH: folder,
    CARGO_ZIGBUILD_ZIG_PATH: path.join(folder, 'bin/python-zig'),
  };
}
