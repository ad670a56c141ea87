// Whether this machine has the programs and folders that `scripts/prepare-machine.mjs` prepares. A test only looks for them,
// and is skipped if they are missing. Only that script installs anything outside of `.tools`.

import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { fullVersion, hasProgram, isRoot, root } from './tools.mjs';

const HINT = 'run `node scripts/prepare-machine.mjs`';

/** Why a test that needs these programs cannot run; `undefined` if this machine has all of them. */
export function whyNoProgram(...names) {
  const missing = names.filter((name) => !hasProgram(name));
  return missing.length === 0 ? undefined : `this machine has no \`${missing.join('`, `')}\`: ${HINT}`;
}

/** The folder of another build of the same version as an interpreter of Debian's. */
export const otherBuildFolder = (interpreter) => path.join(root, `.tools/cpython-${fullVersion(interpreter)}`);

/** Another build of the same version as an interpreter of Debian's: `{ interpreter }`, or `{ reason }` if there is none. */
export function findOtherBuild(interpreter) {
  const folder = otherBuildFolder(interpreter);
  return existsSync(path.join(folder, 'ready'))
    ? { interpreter: path.join(folder, 'bin', path.basename(interpreter)) }
    : { reason: `no other build of ${interpreter}: ${HINT}` };
}

/** The folder of a Debian for arm64 whose programs an emulator runs. */
export const DEBIAN_ARM64 = path.join(root, '.tools/debian-arm64');

/** Why no program of another CPU can run here; `undefined` if one can. */
export function whyNoArm64() {
  if (!isRoot) {
    return 'only root can make a Debian for another CPU';
  }
  return existsSync(path.join(DEBIAN_ARM64, 'ready')) ? undefined : `no Debian for arm64: ${HINT}`;
}

/** The folder of a WebDAV server, lighttpd, that Debian's packages are unpacked into. */
export const WEBDAV_SERVER = path.join(root, '.tools/lighttpd');

/** Why no WebDAV server can be started here; `undefined` if one can. */
export function whyNoWebdav() {
  return existsSync(path.join(WEBDAV_SERVER, 'ready')) ? undefined : `no WebDAV server: ${HINT} as root`;
}
