// CPythons that are compiled to WebAssembly: for versions that have no interpreter on most machines. npm has them as
// `pyodide`. They are 32-bit builds with a C library of their own.

import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNodeProject, root } from './tools.mjs';

/** The version of the npm package `pyodide` for each Python: 3.14.2 and, whatever its name says, 3.15.0rc1. */
const PACKAGES = { 3.14: '314.0.7', 3.15: '315.0.0-alpha.2' };

/** The versions of Python that can be run as WebAssembly. */
export const PYODIDE_PYTHONS = Object.keys(PACKAGES);

const support = path.dirname(fileURLToPath(import.meta.url));

/** A program that fills the interpreter with other objects, to run before `compile.py`. */
export const PYODIDE_CROWD = path.join(support, 'pyodide_crowd.py');

/** The longest time for one program, in seconds. The longest one takes about 30 on a busy machine. */
const TIME_LIMIT = 240;

/** The folder of the npm package that has the interpreter and its standard library of a version. Fetches it if it is not there. */
export function ensurePyodide(version) {
  const folder = path.join(root, '.tools', `pyodide-${PACKAGES[version]}`);
  return path.join(ensureNodeProject(folder, { dependencies: { pyodide: PACKAGES[version] } }), 'pyodide');
}

/**
 * Runs a Python program to its end, in a process of its own. Throws its output if it fails or takes too long.
 *
 * @param task.program the path of the program
 * @param task.programArguments its arguments
 * @param task.before the paths of programs that run before it, in the same interpreter
 * @param task.input the file that is its standard input
 * @param task.output the file that its standard output is written to
 * @param task.folders folders of this machine that Python sees, at the same paths. It always sees those of the programs
 * @param task.hashSeed the hash seed
 */
export function runPyodide(version, task) {
  const { program, programArguments = [], before = [], input, output, folders = [], hashSeed = '0' } = task;
  const programs = [...before, program];
  const visible = new Set([...folders, ...programs.map((file) => path.dirname(file))]);
  const packageFolder = ensurePyodide(version);
  const settings = {
    packageFolder,
    folders: [...visible],
    hashSeed,
    programs,
    arguments: programArguments,
    standard_input: input ?? '',
    standard_output: output ?? '',
  };
  const programAndArgument = [path.join(support, 'pyodide-child.mjs'), JSON.stringify(settings)];
  const { error, signal, status, stdout, stderr } = spawnSync(process.execPath, programAndArgument, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIME_LIMIT * 1000,
    killSignal: 'SIGKILL',
  });
  const name = `\`${program}\` with Python ${version} as WebAssembly`;
  if (error?.code === 'ETIMEDOUT') {
    throw new Error(`${name} did not end within ${TIME_LIMIT} s\n${stdout}${stderr}`);
  }
  if (status !== 0) {
    throw new Error(`${name} failed (${signal ?? `exit code ${status}`})\n${stdout}${stderr}`);
  }
}
