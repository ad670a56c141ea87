// Real containers for the tests, on a machine where no Docker daemon runs and no image can be pulled: podman, with an
// image made of Debian's own packages. Others that need one call `ensureContainers` and skip with its reason.
//
// Run as a program, this prepares everything and says what it found.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianMirror, ensurePrograms, isRoot } from './debian.mjs';
import { UV_VERSION, ensureUv, root, run } from './tools.mjs';

const IMAGE = 'localhost/uv-lambda-cdk-test:bookworm';
const folder = path.join(root, '.tools/containers');
const configuration = path.join(folder, 'containers.conf');

/** What podman must find in its environment; also where CDK starts it (`CDK_DOCKER=podman`). */
const environment = { CONTAINERS_CONF: configuration };

/** What the image holds. An image made for other contents is made again. */
const CONTENTS = `python3, ca-certificates, libstdc++6, gcc, python3-dev, uv ${UV_VERSION}`;

/**
 * Sees to it that containers can be run: podman, and an image of Debian 12 with Python 3.11, certificates and uv.
 *
 * @returns `{ available: true, podman, image, environment }`, the last to be added to the environment of whoever starts
 *   `podman`; or `{ available: false, reason }`
 */
export function ensureContainers() {
  const reason = whyNot();
  return reason === undefined
    ? { available: true, podman: 'podman', image: IMAGE, environment }
    : { available: false, reason };
}

function whyNot() {
  if (process.platform !== 'linux') {
    return 'the test containers are made on Linux only';
  }
  if (!isRoot) {
    return 'only root can make the image for the test containers';
  }
  const missing = ensurePrograms({ podman: 'podman', runc: 'runc', debootstrap: 'debootstrap', flock: 'util-linux' });
  if (missing !== undefined) {
    return missing;
  }
  mkdirSync(folder, { recursive: true });
  // The machine may refuse to raise limits and to have its cgroups made by systemd or crun; its own files stay as they are.
  writeFileSync(
    configuration,
    `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
`,
  );
  if (!imageIsReady()) {
    // Test files run side by side: the first makes the image, the others wait for it.
    const made = spawnSync(
      'flock',
      [path.join(folder, 'lock'), process.execPath, fileURLToPath(import.meta.url), 'make'],
      {
        encoding: 'utf8',
      },
    );
    if (made.status !== 0) {
      return `the image for the test containers cannot be made: ${lastLine(made.stderr)}`;
    }
  }
  const probe = runInContainer({ args: ['python3', '--version'] });
  return probe.status === 0 ? undefined : `podman runs no containers here: ${lastLine(probe.stderr)}`;
}

function lastLine(text) {
  return text.trim().split('\n').at(-1);
}

function podman(args) {
  return spawnSync('podman', args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, ...environment },
  });
}

function imageIsReady() {
  const { status, stdout } = podman(['image', 'inspect', '--format', '{{index .Labels "contents"}}', IMAGE]);
  return status === 0 && stdout.trim() === CONTENTS;
}

function makeImage() {
  if (imageIsReady()) {
    return;
  }
  const mirror = debianMirror();
  if (mirror === undefined) {
    throw new Error('apt on this machine knows no Debian mirror');
  }
  const system = mkdtempSync(path.join(folder, 'system-'));
  try {
    // libstdc++6 is for Node, which a test may mount; gcc and the headers are for packages without a wheel.
    const packages = '--include=python3,ca-certificates,libstdc++6,gcc,libc6-dev,python3-dev';
    run('debootstrap', ['--variant=minbase', packages, 'bookworm', system, mirror]);
    copyFileSync(ensureUv(), path.join(system, 'usr/local/bin/uv'));
    // Where this machine trusts more authorities than Debian does (a proxy's), so must the container.
    const authorities = '/etc/ssl/certs/ca-certificates.crt';
    if (existsSync(authorities)) {
      copyFileSync(authorities, path.join(system, authorities));
    }
    const archive = `${system}.tar`;
    run('tar', ['-C', system, '--exclude=./var/cache/apt/*', '--exclude=./var/lib/apt/lists/*', '-cf', archive, '.']);
    const imported = podman(['import', '--change', `LABEL contents="${CONTENTS}"`, archive, IMAGE]);
    rmSync(archive);
    if (imported.status !== 0) {
      throw new Error(imported.stderr);
    }
  } finally {
    rmSync(system, { recursive: true, force: true });
  }
}

/**
 * Runs a program in a container, to its end. Call `ensureContainers` first.
 *
 * @param args the program and its arguments
 * @param volumes what of this machine it sees, as `[{ host, container, readOnly }]`
 * @param env its environment
 * @param network a network of podman's; none by default, so that a test says what it needs
 * @param user as in `podman run --user`
 * @returns `{ status, stdout, stderr }`
 */
export function runInContainer({ image = IMAGE, args, volumes = [], env = {}, network = 'none', user, cwd }) {
  return podman([
    'run',
    '--rm',
    `--network=${network}`,
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...(cwd === undefined ? [] : [`--workdir=${cwd}`]),
    ...volumes.map(({ host, container, readOnly }) => `--volume=${host}:${container}${readOnly ? ':ro' : ''}`),
    ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    image,
    ...args,
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv[2] === 'make') {
      makeImage();
    } else {
      console.log(ensureContainers());
    }
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
