// What a Debian machine can be asked for: programs from its packages, the address of its mirror, sources of a package.
// Nothing here names a mirror: the machine's own apt knows one.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './tools.mjs';

export const isRoot = process.getuid?.() === 0;

/** Whether a program is on PATH. */
export function hasProgram(name) {
  const folders = `${process.env.PATH}:/usr/sbin:/sbin`.split(path.delimiter);
  return folders.some((folder) => existsSync(path.join(folder, name)));
}

/**
 * Sees to it that programs are there, and installs those that are missing where that is possible.
 *
 * @param packages the Debian package of each program, by the program's name
 * @returns why they cannot be had; `undefined` where all are there
 */
export function ensurePrograms(packages) {
  const missing = Object.keys(packages).filter((program) => !hasProgram(program));
  if (missing.length === 0) {
    return undefined;
  }
  if (!hasProgram('apt-get')) {
    return `no \`${missing.join('`, `')}\` on this machine, nor apt to get it`;
  }
  if (!isRoot) {
    return `no \`${missing.join('`, `')}\` on this machine, and only root can install it`;
  }
  // Test files run side by side, so another of them may be at it too.
  const patient = ['-o', 'DPkg::Lock::Timeout=300'];
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const names = missing.map((program) => packages[program]);
  try {
    run('apt-get', [...patient, '--quiet', 'update'], { env: environment });
    run('apt-get', [...patient, '--quiet', '--yes', '--no-install-recommends', 'install', ...names], {
      env: environment,
    });
  } catch (error) {
    return `\`${names.join('`, `')}\` cannot be installed: ${error.message.split('\n').at(-1)}`;
  }
  return undefined;
}

/** The address of the Debian mirror that this machine's apt uses; `undefined` where it uses none. */
export function debianMirror() {
  const format = '$(REPO_URI)|$(ORIGIN)|$(LABEL)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const found = (stdout ?? '').split('\n').find((line) => line.endsWith('|Debian|Debian'));
  return found?.split('|')[0];
}

/** Downloads the authors' sources of a Debian package into `folder`, without a change to what apt knows. */
export function downloadSource(name, folder) {
  const configured = '/etc/apt/sources.list.d';
  const files = readdirSync(configured).filter((file) => file.endsWith('.sources'));
  const entries = files.map((file) => readFileSync(path.join(configured, file), 'utf8'));
  mkdirSync(path.join(folder, 'lists/partial'), { recursive: true });
  writeFileSync(path.join(folder, 'apt.sources'), entries.join('\n\n').replaceAll(/^Types:.*$/gm, 'Types: deb-src'));
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
