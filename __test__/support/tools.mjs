// Programs: runs them, and installs the tools that a bare machine lacks. Everything that is installed goes to `.tools`,
// which git ignores.
//
// This folder is the lowest layer: the tests, `scripts/` and `benches/` import from it, and it imports nothing of theirs.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const tools = path.join(root, '.tools');

/** The version of uv that the tests use, and the demo where no uv is on PATH. */
export const UV_VERSION = '0.13.9';

const isWindows = process.platform === 'win32';

/** The interpreter of this machine that has pip, by its name on PATH. */
export const PYTHON = isWindows ? 'python' : 'python3';

/** The file name of a program. */
const executable = (name) => (isWindows ? `${name}.exe` : name);

/** The programs of Node that are scripts on Windows: only a shell can start them. No argument that they get here needs quotes. */
const SCRIPTS_ON_WINDOWS = ['npm', 'npx'];

/** Runs a program to its end and returns its standard output. If it fails, throws its output as an error. */
export function run(program, args, options = {}) {
  const { show = false, ...others } = options;
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    shell: isWindows && SCRIPTS_ON_WINDOWS.includes(program),
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

/** Whether this process may do everything on this machine. */
export const isRoot = process.getuid?.() === 0;

/** Whether a program is on PATH, or in one of the folders of root's programs. */
export function hasProgram(name) {
  const folders = [...process.env.PATH.split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, executable(name))));
}

/** Calls `body` while environment variables of this process have other values. */
export function withVariables(variables, body) {
  const before = Object.keys(variables).map((name) => [name, process.env[name]]);
  Object.assign(process.env, variables);
  try {
    return body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
  }
}

/** Installs packages from PyPI into a folder. */
export function installFromPyPI(folder, requirements, flags = []) {
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  run(PYTHON, [...pip, ...flags, '--target', folder, ...requirements]);
}

/** Installs a wheel for another platform into a folder, without the packages that it needs. */
export function installWheelFor(platform, folder, requirement) {
  const flags = ['--no-deps', '--no-compile', '--only-binary', ':all:', '--platform', platform];
  installFromPyPI(folder, [requirement], flags);
}

/**
 * Writes a `package.json` into a folder and installs its packages there, unless that was done. Returns the folder with the packages.
 *
 * @param manifest the contents of `package.json`
 */
export function ensureNodeProject(folder, manifest) {
  const file = path.join(folder, 'package.json');
  const text = JSON.stringify(manifest, null, 2);
  // npm writes this file at the end.
  const isInstalled = existsSync(path.join(folder, 'node_modules/.package-lock.json'));
  if (!isInstalled || readFileSync(file, 'utf8') !== text) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--package-lock=false'];
    run('npm', ['install', ...flags], { cwd: folder, show: true });
  }
  return path.join(folder, 'node_modules');
}

/** The executable of a uv of exactly this version, from PyPI. */
export function ensureUv(version = UV_VERSION) {
  const folder = path.join(tools, `uv-${version}`);
  const uv = path.join(folder, 'bin', executable('uv'));
  if (!existsSync(uv)) {
    installFromPyPI(folder, [`uv==${version}`]);
  }
  return uv;
}

/** The uv on PATH; if there is none, the uv of the tests. */
export function uvOnPathOrEnsured() {
  const found = spawnSync('uv', ['--version'], { encoding: 'utf8' });
  return found.status === 0 ? 'uv' : ensureUv();
}

/** The versions of Python that Lambda has, newest first. */
export const LAMBDA_PYTHONS = ['3.14', '3.13', '3.12', '3.11', '3.10', '3.9'];

/** An interpreter of a version, found as the package finds it: by uv, then in pyenv. `undefined` if there is none. */
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

/** `[version, interpreter]` of the Python that most tests bundle for: 3.13, or else the newest of this machine. */
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

/** A Python of the system, which every user may run and a container can have too: `[version, interpreter]`. */
export function systemPython() {
  const pythons = LAMBDA_PYTHONS.map((version) => [version, `/usr/bin/python${version}`]);
  return pythons.find(([, interpreter]) => existsSync(interpreter));
}

let toolchain;

/** The tools that tests use unless they say otherwise: `{ uv, pythonVersion, python }`. */
export function defaultTools() {
  if (toolchain === undefined) {
    const uv = ensureUv();
    const [pythonVersion, python] = preferredPython(uv);
    toolchain = { uv, pythonVersion, python };
  }
  return toolchain;
}

/** The full version of an interpreter, as `3.13.5`. */
export function fullVersion(interpreter) {
  return run(interpreter, ['--version']).trim().replace('Python ', '');
}

/** The interpreter of a virtual environment. */
export function environmentPython(folder) {
  return path.join(folder, isWindows ? 'Scripts/python.exe' : 'bin/python');
}

/** The interpreter of an environment that has AWS's runtime interface client, for one interpreter. */
export function ensureRuntimeClient(interpreter, uv) {
  const folder = path.join(tools, `runtime-client-${fullVersion(interpreter)}`);
  const ready = path.join(folder, 'ready');
  const python = environmentPython(folder);
  if (!existsSync(ready)) {
    run(uv, ['venv', '--quiet', '--clear', '--python', interpreter, folder]);
    run(uv, ['pip', 'install', '--quiet', '--python', python, 'awslambdaric==4.2.2']);
    writeFileSync(ready, '');
  }
  return python;
}
