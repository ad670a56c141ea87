// Numbers without noise: the system calls of a bundle, and the processes that it starts.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { hasProgram, root, run } from '../__test__/support/tools.mjs';
import { bundleOptions } from './measure.mjs';
import { emptyFolder } from './tools.mjs';

/** Why nothing can be counted here; `undefined` if `strace` works. */
export const whyNotCounted = () => (hasProgram('strace') ? undefined : 'this machine has no `strace`');

/** The number of bundles that one process makes after the first one. */
const MORE = 100;

/** Starts a process that bundles one function into each of some new folders, under `strace` with these flags. */
function trace(flags, { workspace, functions: [wanted], store, tools }, bundles) {
  const folder = emptyFolder('counted');
  const outputs = Array.from({ length: bundles }, (_, index) => path.join(folder, `${index}`));
  outputs.forEach((output) => fs.mkdirSync(output));
  const options = bundleOptions({ workspace, wanted, store, tools });
  const program = `
    const { bundleSync } = require(${JSON.stringify(root)});
    for (const output of ${JSON.stringify(outputs)}) bundleSync(${JSON.stringify(options)}, output);
  `;
  const report = path.join(folder, 'report');
  run('strace', ['-f', ...flags, '-o', report, process.execPath, '--eval', program], { env: tools.environment });
  return fs.readFileSync(report, 'utf8');
}

/** The system calls of an unchanged bundle, after the first bundle of a process. */
export function systemCallsOfHit(job) {
  const calls = (bundles) => Number(trace(['-c'], job, bundles).match(/(\d+)\s+(?:\d+\s+)?total$/m)[1]);
  return (calls(1 + MORE) - calls(1)) / MORE;
}

/** The programs that one bundle starts, by name. */
export function processesOf(job) {
  const executed = trace(['-e', 'trace=execve', '-e', 'status=successful'], job, 1).matchAll(/execve\("([^"]+)"/g);
  // The first is Node itself.
  return [...executed].slice(1).map(([, program]) => path.basename(program));
}
