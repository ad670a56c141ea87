// Rehearses an installation on machines that have nothing but what the README asks for (`machines.mjs`). Each is a container, and the
// user in it is not root.

import * as fs from 'node:fs';
import path from 'node:path';
import { CONTAINER_PROGRAMS, runInContainer } from '../../__test__/support/containers.mjs';
import { whyNoProgram } from '../../__test__/support/prepared.mjs';
import { isRoot, root, run } from '../../__test__/support/tools.mjs';
import { HOME, MACHINES, USER, ensureMachine, imageOf } from './machines.mjs';
import { copyPython, managedName } from './portable-python.mjs';

/** Settings of this machine's indexes, where its variables have them. */
const INDEXES = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'UV_INDEX', 'UV_DEFAULT_INDEX'];

/**
 * Runs a program on a machine, to its end, and returns its standard output. The network is this machine's, since the registry listens on
 * loopback.
 *
 * @param place `home`, the folder of this machine that is the user's there, and `python`, the copy of a CPython
 * @param cwd the working directory, below the home folder
 */
function runOn(machine, { home, python }, cwd, args, env = {}) {
  const kept = INDEXES.filter((name) => process.env[name] !== undefined);
  const data = `${HOME}/.local/share/uv/python/${python.name}`;
  const { status, stdout, stderr } = runInContainer({
    image: imageOf(machine),
    args,
    user: `${USER}:${USER}`,
    network: 'host',
    cwd: path.posix.join(HOME, cwd),
    volumes: [
      { host: home, container: HOME },
      { host: python.folder, container: data, readOnly: true },
    ],
    env: {
      HOME,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      // This machine may trust more authorities than the programs know.
      SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
      JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
      ...Object.fromEntries(kept.map((name) => [name, process.env[name]])),
      ...env,
    },
  });
  if (status !== 0) {
    throw new Error(`\`${args.join(' ')}\` failed (exit code ${status})\n${stdout}${stderr}`);
  }
  return stdout;
}

const INSTALL = ['npm', 'install', '--no-audit', '--no-fund', '--silent'];
const SYNTH = ['cdk', 'synth', '--quiet', '--no-notices'];

/** The example in TypeScript: `npm install` and `cdk synth`. Returns the folder of the project. */
function rehearseTypeScript(machine, place, { registry, typescriptProject }) {
  const project = typescriptProject(place.home);
  own(place.home);
  const folder = path.relative(place.home, project);
  runOn(machine, place, folder, INSTALL, { npm_config_registry: registry.url });
  runOn(machine, place, folder, ['npx', '--no-install', ...SYNTH]);
  return project;
}

/** The example in Python: `pip install` and `cdk synth`. Returns the folder of the project. */
function rehearsePython(machine, place, { registry, pythonProject, version }) {
  const project = pythonProject(place.home);
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'examples-ts/package.json'), 'utf8'));
  fs.mkdirSync(path.join(place.home, 'cdk'));
  own(place.home);
  const folder = path.relative(place.home, project);
  const cdk = `aws-cdk@${devDependencies['aws-cdk']}`;
  runOn(machine, place, 'cdk', [...INSTALL, cdk], { npm_config_registry: registry.url });
  runOn(machine, place, folder, ['uv', 'lock', '--quiet']);
  const environment = `${HOME}/environment`;
  runOn(machine, place, '', ['python3', '-m', 'venv', environment]);
  const pip = [`${environment}/bin/python`, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  runOn(machine, place, '', [...pip, '--find-links', 'dist/python', `uv-lambda-cdk==${version}`]);
  const app = ['--app', `${environment}/bin/python cdk/app.py`];
  runOn(machine, place, folder, [`${HOME}/cdk/node_modules/.bin/cdk`, ...SYNTH.slice(1), ...app]);
  return project;
}

const REHEARSALS = { TypeScript: rehearseTypeScript, Python: rehearsePython };

/** Gives a folder to the user of the machines. */
function own(folder) {
  run('chown', ['--recursive', `${USER}:${USER}`, folder]);
}

/** Throws if a machine has a program that it is said to lack. */
function checkLack(machine, place) {
  const script = 'for name; do command -v "$name"; done; true';
  const found = runOn(machine, place, '', ['sh', '-c', script, 'sh', ...machine.lacks]).trim();
  if (found !== '') {
    throw new Error(`the machine should have none of ${found.replaceAll('\n', ', ')}`);
  }
}

/** Why there are no such machines here; `undefined` if there are. */
function whyNoMachines() {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !isRoot) {
    return 'only root can make them, on a Linux for x86-64';
  }
  return whyNoProgram(...Object.keys(CONTAINER_PROGRAMS), 'debootstrap', 'dpkg');
}

/**
 * Rehearses on every bare machine. Prints a line for each; a machine that cannot be had here is skipped.
 *
 * @param registry as `startRegistry` returns it
 * @param version the version of this package
 * @param interpreter the CPython that compiles
 * @param work a folder
 * @param typescriptProject makes the example in TypeScript in a folder, and returns the folder of the project
 * @param pythonProject the same for Python, with the wheels in `dist/python` beside it
 * @param compare called with a name and the folder of a synthesised project; throws if its zips are others
 */
export function rehearseBareMachines({ interpreter, work, compare, ...others }) {
  const reason = whyNoMachines();
  if (reason !== undefined) {
    console.log(`skipped: bare machines: ${reason}`);
    return;
  }
  for (const [name, machine] of Object.entries(MACHINES)) {
    try {
      ensureMachine(machine);
    } catch (error) {
      console.log(`skipped: ${name}: ${error.message.trim().split('\n').at(-1)}`);
      continue;
    }
    const start = Date.now();
    const home = path.join(work, `bare-${machine.tag}`);
    const python = { name: managedName(interpreter, machine.libc), folder: `${home}-python` };
    copyPython(interpreter, python.folder, `${HOME}/.local/share/uv/python/${python.name}`);
    // Otherwise podman makes the folders above the mount, for root.
    fs.mkdirSync(path.join(home, '.local/share/uv/python', python.name), { recursive: true });
    own(home);
    const place = { home, python };
    checkLack(machine, place);
    const project = REHEARSALS[machine.language](machine, place, others);
    compare(name, project);
    const seconds = ((Date.now() - start) / 1000).toFixed(0);
    console.log(
      `      ${machine.language} app; ${machine.contents}; none of ${machine.lacks.join(', ')}; ${seconds} s`,
    );
  }
}
