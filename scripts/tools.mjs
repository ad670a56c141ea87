// What the scripts and the tests share: running programs, and getting the tools that a bare machine lacks. Everything
// that is fetched goes to `.tools`, which git ignores.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const tools = path.join(root, '.tools');

/** The uv that the tests are written against, and that the demo takes where none is on PATH. */
export const UV_VERSION = '0.13.9';

/** Writes a file, and makes the folders that it lies in. */
export function write(file, text) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Writes files below a folder, by their paths. */
export function writeAll(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    write(path.join(folder, name), text);
  }
}

/** Runs a program to its end and throws, with what it said, where it fails. Returns its standard output. */
export function run(program, args, options = {}) {
  const { show = false, ...others } = options;
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    ...others,
  });
  if (result.error) {
    throw new Error(`\`${program}\` cannot be started: ${result.error.message}`);
  }
  if (result.status !== 0) {
    const said = [result.stdout, result.stderr].filter(Boolean).join('\n').trim();
    throw new Error(
      `\`${[program, ...args].join(' ')}\` failed (${result.signal ?? `exit code ${result.status}`})\n${said}`,
    );
  }
  return result.stdout ?? '';
}

/** Installs the Node packages of the lockfile, where they are missing or older than it. */
export function ensureNodePackages() {
  const lockfile = path.join(root, 'package-lock.json');
  const installed = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs) {
    // Not `npm ci`: it refuses a lockfile without the packages of other platforms that a registry does not mirror.
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: root, show: true });
  }
}

/** The executable of a uv of exactly this version, from PyPI. */
export function ensureUv(version = UV_VERSION) {
  const folder = path.join(tools, `uv-${version}`);
  const uv = path.join(folder, 'bin/uv');
  if (!existsSync(uv)) {
    run('python3', [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--target',
      folder,
      `uv==${version}`,
    ]);
  }
  return uv;
}

/** The uv on PATH, or the one that the tests use. */
export function uvOnPathOrEnsured() {
  const found = spawnSync('uv', ['--version'], { encoding: 'utf8' });
  return found.status === 0 ? 'uv' : ensureUv();
}

/** The Pythons that Lambda has, newest first. */
export const LAMBDA_PYTHONS = ['3.14', '3.13', '3.12', '3.11', '3.10', '3.9'];

/** An interpreter of a version, as the package looks for it: by uv, then in pyenv. `undefined` where there is none. */
export function findPython(version, uv) {
  const found = spawnSync(uv, ['python', 'find', '--no-project', '--system', '--no-python-downloads', version], {
    encoding: 'utf8',
  });
  if (found.status === 0) {
    return found.stdout.trim();
  }
  const versions = path.join(process.env.PYENV_ROOT ?? path.join(homedir(), '.pyenv'), 'versions');
  const names = existsSync(versions) ? readdirSync(versions).filter((name) => name.startsWith(`${version}.`)) : [];
  const [newest] = names.sort((left, right) => right.localeCompare(left, 'en', { numeric: true }));
  return newest && path.join(versions, newest, `bin/python${version}`);
}

/** The Python versions of Lambda that this machine has, as `[version, interpreter]`, newest first. */
export function availablePythons(uv) {
  return LAMBDA_PYTHONS.map((version) => [version, findPython(version, uv)]).filter(([, interpreter]) => interpreter);
}

/** The version that the demo and most tests bundle for: 3.13, or the newest that this machine has. */
export function preferredPython(uv) {
  const available = availablePythons(uv);
  const preferred = available.find(([version]) => version === '3.13') ?? available[0];
  if (!preferred) {
    throw new Error(
      `This machine has no Python that Lambda has (${LAMBDA_PYTHONS.join(', ')}), and uv could not find one either.`,
    );
  }
  return preferred;
}

/** The interpreter of an environment that holds AWS's runtime interface client for this interpreter. */
export function ensureRuntimeClient(interpreter, uv) {
  const version = run(interpreter, ['-c', 'import platform; print(platform.python_version())']).trim();
  const folder = path.join(tools, `runtime-client-${version}`);
  const python = path.join(folder, 'bin/python');
  if (!existsSync(path.join(folder, 'ready'))) {
    run(uv, ['venv', '--quiet', '--clear', '--python', interpreter, folder]);
    run(uv, ['pip', 'install', '--quiet', '--python', python, 'awslambdaric==4.2.2']);
    run('touch', [path.join(folder, 'ready')]);
  }
  return python;
}
