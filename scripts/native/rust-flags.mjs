// The flags of rustc for what is published.

import { homedir } from 'node:os';
import path from 'node:path';
import { root } from '../../__test__/support/tools.mjs';

/** The variable that passes these flags to rustc, and flags that leave no path of this machine in a file. */
export function rustFlags(flags = []) {
  const cargo = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');
  const rustup = process.env.RUSTUP_HOME ?? path.join(homedir(), '.rustup');
  const places = { [cargo]: '/cargo', [rustup]: '/rustup', [root]: '/uv-lambda-cdk' };
  const withoutPaths = Object.entries(places).map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  return { CARGO_ENCODED_RUSTFLAGS: [...withoutPaths, ...flags].join('\u001f') };
}
