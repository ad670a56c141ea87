// A stand-in for Docker.

import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { temporaryFolder, write } from './files.mjs';

/** Why tests with the stand-in are skipped; `false` where they are not. */
export const noEngine = process.platform === 'win32' && 'the stand-in for Docker is a script';

/**
 * A program for `CDK_DOCKER` that writes down how it is called. Nothing of this package is replaced.
 *
 * @param status the exit code of `run`
 * @returns `program`; `calls()`, the arguments of each call so far, without those that make an image; `builds()`, those that
 *   make one; and `runs()`, `[{ call, handed }]`: the arguments of each `run`, and the secrets that were handed over
 */
export function containerEngine(test, { status = 0 } = {}) {
  const folder = temporaryFolder(test);
  const calls = path.join(folder, 'calls');
  const program = path.join(folder, 'docker.cjs');
  const implementation = createRequire(import.meta.url).resolve('./container-engine.cjs');
  const source = `require(${JSON.stringify(implementation)})(${JSON.stringify({ calls, status })});`;
  write(program, `#!${process.execPath}\n${source}\n`, { mode: 0o755 });
  const all = () =>
    fs.existsSync(calls) ? fs.readFileSync(calls, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];
  const of = (...verbs) => all().filter(({ call: [verb] }) => verbs.includes(verb));
  const made = ['image', 'build'];
  return {
    program,
    calls: () => all().flatMap(({ call }) => (made.includes(call[0]) ? [] : [call])),
    builds: () => of('build').map(({ call }) => call),
    runs: () => of('run'),
  };
}
