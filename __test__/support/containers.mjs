// Real containers: podman, with an image made of Debian's own packages. No Docker daemon has to run and no image has to be
// pulled. `scripts/prepare-machine.mjs` installs podman and makes the image.

import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { write } from './files.mjs';
import { whyNoProgram } from './prepared.mjs';
import { UV_VERSION, isRoot, root } from './tools.mjs';

/** The name of the image. */
export const IMAGE = 'localhost/uv-lambda-cdk-test:bookworm';

/** The contents of the image. An image with other contents is made again. */
export const IMAGE_CONTENTS = `python3, ca-certificates, libstdc++6, gcc, python3-dev, uv ${UV_VERSION}`;

/** The Python of the image. A Debian 12 has it too. */
export const IMAGE_PYTHON = '/usr/bin/python3.11';

/** The programs that the containers need: the Debian package of each, by the program's name. */
export const CONTAINER_PROGRAMS = { podman: 'podman', runc: 'runc' };

const configuration = path.join(root, '.tools/containers/containers.conf');

/** The environment of `podman`, and of CDK when it starts `podman` (`CDK_DOCKER=podman`). */
export const podmanEnvironment = { CONTAINERS_CONF: configuration };

/** The environment that `podman` runs in here. */
function prepared() {
  // This machine may refuse to raise limits, and to have systemd or crun make its cgroups. Its own files stay as they are.
  write(
    configuration,
    `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
`,
  );
  return { ...process.env, ...podmanEnvironment };
}

/** Starts `podman`, and returns the process. */
export function startPodman(args) {
  return spawn('podman', args, { env: prepared() });
}

/** Runs `podman` to its end: `{ status, stdout, stderr }`. */
export function podman(args) {
  return spawnSync('podman', args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, env: prepared() });
}

/** The same, and throws if it fails. Returns its standard output. */
export function runPodman(args) {
  const { status, stdout, stderr } = podman(args);
  if (status !== 0) {
    throw new Error(`\`podman ${args.join(' ')}\` failed\n${stderr}`);
  }
  return stdout;
}

/** Whether an image is there, with the contents that it should have: by default the image of the tests. */
export function imageIsReady(name = IMAGE, contents = IMAGE_CONTENTS) {
  const { status, stdout } = podman(['image', 'inspect', '--format', '{{index .Labels "contents"}}', name]);
  return status === 0 && stdout.trim() === contents;
}

/** Why no container can run here; `undefined` if one can. */
export function whyNoContainers() {
  if (process.platform !== 'linux') {
    return 'the test containers are made on Linux only';
  }
  if (!isRoot) {
    return 'only root can make the image of the test containers';
  }
  const missing = whyNoProgram(...Object.keys(CONTAINER_PROGRAMS));
  if (missing !== undefined) {
    return missing;
  }
  if (!imageIsReady()) {
    return 'no image for the test containers: run `node scripts/prepare-machine.mjs`';
  }
  const probe = runInContainer({ args: ['python3', '--version'] });
  return probe.status === 0 ? undefined : `podman runs no containers here: ${probe.stderr.trim().split('\n').at(-1)}`;
}

/** Why a test that bundles in a container and on this machine is skipped; `false` if it is not. */
export function skipWithoutContainers() {
  const reason = whyNoContainers();
  return reason ?? (!fs.existsSync(IMAGE_PYTHON) && `this machine has no ${IMAGE_PYTHON}`);
}

/**
 * Runs a program in a container, to its end. Ask `whyNoContainers` first.
 *
 * @param args the program and its arguments
 * @param image the name of an image
 * @param volumes the folders of this machine that it sees, as `[{ host, container, readOnly }]`
 * @param env its environment
 * @param network a network of podman's; by default none, so that a test says what it needs
 * @param user as in `podman run --user`
 * @returns `{ status, stdout, stderr }`
 */
export function runInContainer({ args, image = IMAGE, volumes = [], env = {}, network = 'none', user, cwd }) {
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
