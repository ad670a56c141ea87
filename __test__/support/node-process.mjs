// Node processes that use this package: for what is measured in a process of its own, killed, or run several times at once.

import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { root } from './tools.mjs';

/** Starts a program in a Node of its own. `uvLambdaCdk`, this package, is defined in it. Its stdout is a pipe. */
export function startNode(program, env = {}) {
  const prologue = `const uvLambdaCdk = require(${JSON.stringify(root)});\n`;
  return spawn(process.execPath, ['--eval', prologue + program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
}

/** Everything that a process prints, once it has ended well. */
export async function outputOf(child) {
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  const [status] = await once(child, 'close');
  assert.equal(status, 0, text);
  return text;
}

/** Starts a Node process that bundles, and prints what `bundleReport` returns. */
export function startBundle(options, output, env) {
  const program = `
    const { peakMemory } = require(${JSON.stringify(path.join(root, '__test__/support/peak-memory.cjs'))});
    const start = performance.now();
    let error, sha256;
    try {
      ({ sha256 } = uvLambdaCdk.bundleSync(${JSON.stringify(options)}, ${JSON.stringify(output)}));
    } catch ({ code, message }) {
      error = { code, message };
    }
    const seconds = (performance.now() - start) / 1000;
    const megabytes = peakMemory() / (1024 * 1024);
    process.stdout.write(JSON.stringify({ error, sha256, seconds, megabytes }));
  `;
  return startNode(program, env);
}

/**
 * Bundles in a process of its own. Returns `{ error, sha256, seconds, megabytes }`: the error's code and message, or the digest
 * of the zip; the time of the bundle; the memory of the process at its peak.
 */
export async function bundleReport(options, output, env) {
  return JSON.parse(await outputOf(startBundle(options, output, env)));
}
