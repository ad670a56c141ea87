// Programs that bundle: the command line of this package, and a Node process that calls `bundleSync`.

import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { interpreter, runtimeName, uv } from './toolchain.mjs';
import { root } from './tools.mjs';

/** The program of the command line. */
export const program = path.join(root, 'cli.js');

/** The flags for the tools of the tests. */
export const toolFlags = ['--runtime', runtimeName, '--python', interpreter, '--uv', uv];

/** The flags for the member `app` of a fixture. */
export const appFlags = (workspace) => ['--path', workspace, '--package', 'app', ...toolFlags];

/** Runs the command line to its end: `{ status, stdout, stderr }`. `settings` are those of `spawnSync`. */
export function cli(args, settings = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', ...settings });
  return { status, stdout, stderr };
}

/**
 * The command of a Node process that bundles, as an array. It writes the SHA-256 of the bundle to standard error, so that a
 * test can see that nothing else is written.
 *
 * @param folder the folder of the package that bundles
 */
export function bundleCommand(options, output, folder = root) {
  const source = `
    const { bundleSync } = require(${JSON.stringify(folder)});
    process.stderr.write(bundleSync(${JSON.stringify(options)}, ${JSON.stringify(output)}).sha256);
  `;
  return [process.execPath, '--eval', source];
}
