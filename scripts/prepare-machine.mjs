// Prepares a Debian machine for the tests that need more than Node, Rust and Python: installs system packages, makes the
// image of the test containers, compiles another build of the system's CPython, unpacks a Debian for arm64 and a WebDAV server, and
// prepares Node of other platforms. Only root can do that. Everything is made once: later runs take seconds.
//
//   node scripts/prepare-machine.mjs
//
// A step that is impossible here is reported and is not an error. Tests that need it are skipped, and the list of skips
// (`__test__/allowed-skips.json`) decides whether that is allowed.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { CONTAINER_PROGRAMS, IMAGE, IMAGE_CONTENTS, whyNoContainers } from '../__test__/support/containers.mjs';
import { DEBIAN_ARM64, WEBDAV_SERVER, otherBuildFolder } from '../__test__/support/prepared.mjs';
import { ensureUv, fullVersion, hasProgram, isRoot, root, run, systemPython } from '../__test__/support/tools.mjs';
import { debianMirror, ensureImage, inTemporaryFolder, installDebian } from './debian-image.mjs';
import { makeWindows, unpackLibraries } from './prepare-platforms.mjs';

/** The Debian package of each program that tests start, by the program's name. */
const PROGRAMS = {
  ...CONTAINER_PROGRAMS,
  disorderfs: 'disorderfs',
  faketime: 'faketime',
  setarch: 'util-linux',
  setpriv: 'util-linux',
  taskset: 'util-linux',
  unshare: 'util-linux',
};

/** The Debian packages of the programs that this script starts. */
const OWN_PROGRAMS = {
  debootstrap: 'debootstrap',
  dpkg: 'dpkg',
  gcc: 'gcc',
  make: 'make',
  'qemu-aarch64-static': 'qemu-user-static',
  wine: 'wine',
  // Links the add-on for Windows (`npm run build:all`).
  'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64-win32',
};

/** Runs `apt-get` without questions. */
const apt = (...args) =>
  run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '--quiet', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });

/** Installs the programs that are missing. */
function installPrograms() {
  const packages = { ...PROGRAMS, ...OWN_PROGRAMS };
  const missing = Object.keys(packages).filter((program) => !hasProgram(program));
  if (missing.length === 0) {
    return;
  }
  apt('update');
  apt('--yes', '--no-install-recommends', 'install', ...new Set(missing.map((program) => packages[program])));
}

/** Makes the image of the test containers: Debian 12 with Python 3.11, certificates, a compiler and uv. */
function makeImage() {
  ensureImage(IMAGE, IMAGE_CONTENTS, (system) => {
    // libstdc++6 is for Node, which a test may mount. gcc and the headers are for packages without a wheel.
    const packages = ['python3', 'ca-certificates', 'libstdc++6', 'gcc', 'libc6-dev', 'python3-dev'];
    installDebian(system, 'bookworm', packages);
    fs.copyFileSync(ensureUv(), path.join(system, 'usr/local/bin/uv'));
  });
}

/** Downloads the authors' sources of a Debian package into a folder, without a change to apt's own lists. */
function downloadSource(name, folder) {
  const configured = '/etc/apt/sources.list.d';
  const files = fs.readdirSync(configured).filter((file) => file.endsWith('.sources'));
  const entries = files.map((file) => fs.readFileSync(path.join(configured, file), 'utf8'));
  fs.mkdirSync(path.join(folder, 'lists/partial'), { recursive: true });
  const sources = entries.join('\n\n').replaceAll(/^Types:.*$/gm, 'Types: deb-src');
  fs.writeFileSync(path.join(folder, 'apt.sources'), sources);
  const options = [
    `Dir::Etc::sourcelist=${folder}/apt.sources`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${folder}/lists`,
    // The folder need not be open to the user that apt downloads as.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, '--quiet', 'update'], { cwd: folder });
  run('apt-get', [...options, '--quiet', 'source', '--download-only', '--tar-only', name], { cwd: folder });
}

/**
 * Compiles another build of the system's CPython: the authors' sources without Debian's patches, with another compiler
 * setting, in another place. Takes minutes.
 */
function compilePython() {
  const [, interpreter] = systemPython() ?? [];
  if (interpreter === undefined) {
    throw new Error('the system has no Python that Lambda has');
  }
  const target = otherBuildFolder(interpreter);
  if (fs.existsSync(path.join(target, 'ready'))) {
    return;
  }
  inTemporaryFolder((folder) => {
    downloadSource(path.basename(interpreter), folder);
    const archive = fs.readdirSync(folder).find((file) => /\.orig\.tar\.\w+$/.test(file));
    const version = fullVersion(interpreter);
    if (!archive?.includes(`_${version}.`)) {
      throw new Error(`Debian's sources are ${archive}, and the interpreter is ${version}`);
    }
    const source = path.join(folder, 'source');
    fs.mkdirSync(source);
    run('tar', ['-C', source, '--strip-components=1', '-xf', path.join(folder, archive)]);
    const settings = ['--quiet', `--prefix=${target}`, '--without-ensurepip', '--disable-test-modules'];
    // Little optimisation makes it a build that is different, and quick.
    run('./configure', settings, { cwd: source, env: { ...process.env, OPT: '-O1 -DNDEBUG -Wall' } });
    run('make', ['--silent', '-j2'], { cwd: source });
    run('make', ['--silent', 'altinstall'], { cwd: source });
    fs.writeFileSync(path.join(target, 'ready'), '');
  });
}

/** Unpacks a Debian 12 with Python for arm64, and an emulator of that CPU. Nothing of it is configured or installed. */
function unpackArm64() {
  const ready = path.join(DEBIAN_ARM64, 'ready');
  if (fs.existsSync(ready)) {
    return;
  }
  fs.rmSync(DEBIAN_ARM64, { recursive: true, force: true });
  const flags = ['--foreign', '--arch=arm64', '--variant=minbase', '--include=python3'];
  run('debootstrap', [...flags, 'bookworm', DEBIAN_ARM64, debianMirror()]);
  const archives = path.join(DEBIAN_ARM64, 'var/cache/apt/archives');
  for (const archive of fs.readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    run('dpkg', ['-x', path.join(archives, archive), DEBIAN_ARM64]);
  }
  fs.copyFileSync('/usr/bin/qemu-aarch64-static', path.join(DEBIAN_ARM64, 'qemu'));
  fs.writeFileSync(ready, '');
}

/**
 * Unpacks the WebDAV server of the tests, and the libraries that it needs and this machine lacks: 0.4 MB. Installed, it would be
 * a service of the system that listens on port 80.
 */
function unpackWebdav() {
  const ready = path.join(WEBDAV_SERVER, 'ready');
  if (fs.existsSync(ready)) {
    return;
  }
  inTemporaryFolder((archives) => {
    fs.mkdirSync(path.join(archives, 'partial'));
    // The folder need not be open to the user that apt downloads as.
    const options = [`Dir::Cache::archives=${archives}`, 'APT::Sandbox::User=root'].flatMap((option) => ['-o', option]);
    // Reinstalled: a package that this machine has is downloaded too.
    const flags = ['--yes', '--no-install-recommends', '--download-only', '--reinstall'];
    apt('update');
    apt(...options, ...flags, 'install', 'lighttpd', 'lighttpd-mod-webdav');
    fs.rmSync(WEBDAV_SERVER, { recursive: true, force: true });
    for (const archive of fs.readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
      run('dpkg', ['-x', path.join(archives, archive), WEBDAV_SERVER]);
    }
  });
  fs.writeFileSync(ready, '');
}

function tryContainer() {
  const reason = whyNoContainers();
  if (reason !== undefined) {
    throw new Error(reason);
  }
}

const STEPS = {
  'system packages': installPrograms,
  'image of the test containers': makeImage,
  'a container': tryContainer,
  'another build of CPython': compilePython,
  'Debian for arm64': unpackArm64,
  'WebDAV server': unpackWebdav,
  'libraries of other platforms': () => unpackLibraries(debianMirror()),
  Windows: makeWindows,
};

if (!isRoot || !hasProgram('apt-get')) {
  console.log('Nothing is prepared: only root can do it, on a Debian.');
  process.exit();
}
for (const [name, prepare] of Object.entries(STEPS)) {
  const start = Date.now();
  let outcome = 'ready';
  try {
    prepare();
  } catch (error) {
    outcome = `not possible here: ${error.message.trim().split('\n').at(-1)}`;
  }
  console.log(`${name}: ${outcome} (${((Date.now() - start) / 1000).toFixed(0)} s)`);
}
