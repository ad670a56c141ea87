// Starts cargo for what is published: add-ons and executables.

import * as fs from 'node:fs';
import path from 'node:path';
import { hasProgram, root, run } from '../../__test__/support/tools.mjs';
import { OLDEST_GLIBC, OLDEST_MACOS } from './add-ons.mjs';
import { rustFlags } from './rust-flags.mjs';
import { addTargets, zigEnvironment } from './zig.mjs';

/** A folder in which the build of napi finds what it asks for on Windows. Node's functions are looked up when the add-on is loaded. */
function emptyLibnode() {
  const folder = path.join(root, '.tools/libnode');
  fs.mkdirSync(folder, { recursive: true });
  for (const name of ['libnode.dll', 'libnode.dll.a', 'libnode.a', 'node.lib']) {
    fs.writeFileSync(path.join(folder, name), '!<arch>\n');
  }
  return folder;
}

/** How cargo is started for each linker, `{ program, command, suffix, env }`: `suffix` goes to the end of the name of the target. */
const LINKERS = {
  native: () => ({ program: 'cargo', command: 'build', env: process.env }),
  mingw: () => ({ program: 'cargo', command: 'build', env: { ...process.env, LIBNODE_PATH: emptyLibnode() } }),
  zig: (target) => ({
    program: 'cargo-zigbuild',
    command: 'zigbuild',
    suffix: target.endsWith('linux-gnu') ? `.${OLDEST_GLIBC}` : '',
    env: zigEnvironment(),
  }),
};

/**
 * Builds for a target, and returns the first of the named files that cargo made.
 *
 * @param recipe how, as `recipe` of `add-ons.mjs` says it
 * @param flags the flags of cargo that say what is built
 * @param names the names that the file may have
 * @param folder where cargo builds
 */
export function buildFor({ target, linker, flags: rustcFlags }, { flags, names, folder }) {
  const { program, command, suffix = '', env } = LINKERS[linker](target);
  run(program, [command, '--release', ...flags, '--target', `${target}${suffix}`, '--target-dir', folder], {
    cwd: root,
    show: true,
    env: {
      ...env,
      MACOSX_DEPLOYMENT_TARGET: OLDEST_MACOS,
      ...rustFlags(rustcFlags),
    },
  });
  const made = names.map((name) => path.join(folder, target, 'release', name)).find((file) => fs.existsSync(file));
  if (made === undefined) {
    throw new Error(`cargo made none of ${names.join(', ')} for ${target}`);
  }
  return made;
}

/**
 * Prepares this machine for the builds of these names. Returns `[[name, recipe]]`. Throws if a name is unknown or cannot be built here.
 *
 * @param names what to build
 * @param known all names that there are
 * @param recipeFor the recipe for a name and the system of a machine, as `recipe` of `add-ons.mjs`
 */
export function prepare(names, known, recipeFor) {
  const possible = known.filter((name) => recipeFor(name, process.platform) !== undefined);
  const wrong = names.find((name) => !possible.includes(name));
  if (wrong !== undefined) {
    throw new Error(`This machine does not build \`${wrong}\`: take ${possible.join(', ')}.`);
  }
  const builds = (names.length > 0 ? names : possible).map((name) => [name, recipeFor(name, process.platform)]);
  const needsMingw = builds.some(([, { linker }]) => linker === 'mingw');
  if (needsMingw && !hasProgram('x86_64-w64-mingw32-gcc')) {
    throw new Error('`x86_64-w64-mingw32-gcc` is missing: run `node scripts/prepare-machine.mjs` as root');
  }
  addTargets(builds.map(([, { target }]) => target));
  return builds;
}
