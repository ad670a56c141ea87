// Looks at the add-ons in `dist/add-ons`, and at the executables in `container` and `dist/remote-cache`: CPU and format, oldest system, what each needs and
// exports, signature, paths of this machine.
//
//   node scripts/native/inspect-add-ons.mjs       looks at all of a release

import * as fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run, uvOnPathOrEnsured } from '../../__test__/support/tools.mjs';
import { ADD_ONS, EXECUTABLES, OLDEST_GLIBC, OLDEST_MACOS, addOnFile, reachesRemoteCache } from './add-ons.mjs';

/** The folder of the add-ons of all platforms. */
export const ADD_ONS_FOLDER = path.join(root, 'dist/add-ons');

/** The path of an executable. */
export const executable = (name) => path.join(root, reachesRemoteCache(name) ? 'dist/remote-cache' : 'container', name);

/** Prints a line about each file of `[[platform, file]]`. Throws if one is missing, or is not as its platform says. */
function inspect(files) {
  const missing = files.map(([, file]) => file).filter((file) => !fs.existsSync(file));
  if (missing.length > 0) {
    throw new Error(`missing: ${missing.map((file) => path.relative(root, file)).join(', ')}`);
  }
  const python = ['run', '--quiet', '--no-project', '--with', 'lief==0.17.0', '--', 'python'];
  const script = path.join(root, 'scripts/native/inspect_add_ons.py');
  run(uvOnPathOrEnsured(), [...python, script, OLDEST_GLIBC, OLDEST_MACOS, root, ...files.flat()], { show: true });
}

/** Looks at the add-ons of these platforms. */
export function inspectAddOns(platforms) {
  inspect(platforms.map((platform) => [platform, path.join(ADD_ONS_FOLDER, addOnFile(platform))]));
}

/** Looks at the executables of these names. */
export function inspectExecutables(names) {
  inspect(names.map((name) => [EXECUTABLES[name], executable(name)]));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    inspectAddOns(Object.keys(ADD_ONS));
    inspectExecutables(Object.keys(EXECUTABLES));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
