// Images of podman's that are made of Debian's own packages, by debootstrap. Only root can make them.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { imageIsReady, runPodman } from '../__test__/support/containers.mjs';
import { root, run } from '../__test__/support/tools.mjs';

const tools = path.join(root, '.tools');

/** The address of the Debian mirror that apt uses here. No mirror is named in this repository. */
export function debianMirror() {
  const format = '$(REPO_URI)|$(ORIGIN)|$(LABEL)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const found = (stdout ?? '').split('\n').find((line) => line.endsWith('|Debian|Debian'));
  if (found === undefined) {
    throw new Error('apt on this machine knows no Debian mirror');
  }
  return found.split('|')[0];
}

/** Calls `work` with a new folder in `.tools`, and removes the folder. */
export function inTemporaryFolder(work) {
  fs.mkdirSync(tools, { recursive: true });
  const folder = fs.mkdtempSync(path.join(tools, 'prepare-'));
  try {
    work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes an image, once. `fill` is called with the folder that becomes its file system; `contents` says what that puts there. */
export function ensureImage(name, contents, fill) {
  if (imageIsReady(name, contents)) {
    return;
  }
  inTemporaryFolder((folder) => {
    const system = path.join(folder, 'system');
    fs.mkdirSync(system);
    fill(system);
    const archive = path.join(folder, 'system.tar');
    run('tar', ['-C', system, '--exclude=./var/cache/apt/*', '--exclude=./var/lib/apt/lists/*', '-cf', archive, '.']);
    runPodman(['import', '--change', `LABEL contents="${contents}"`, archive, name]);
  });
}

/** Installs the smallest Debian of a release into a folder, with these packages and with the authorities of this machine. */
export function installDebian(system, release, packages) {
  run('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, release, system, debianMirror()]);
  trustAuthorities(system);
}

/** This machine may trust more authorities than Debian does, such as a proxy's. So must the container. */
export function trustAuthorities(system) {
  const authorities = '/etc/ssl/certs/ca-certificates.crt';
  if (fs.existsSync(authorities)) {
    fs.mkdirSync(path.dirname(path.join(system, authorities)), { recursive: true });
    fs.copyFileSync(authorities, path.join(system, authorities));
  }
}
