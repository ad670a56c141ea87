// Looks at the add-ons in `dist/add-ons`: CPU and format, oldest system, what each needs and exports, signature, paths of this machine.
//
//   node scripts/native/inspect-add-ons.mjs [<platform>...]

import * as fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run, uvOnPathOrEnsured } from '../../__test__/support/tools.mjs';
import { ADD_ONS, OLDEST_GLIBC, OLDEST_MACOS, addOnFile } from './add-ons.mjs';

/** The folder of the add-ons of all platforms. */
export const ADD_ONS_FOLDER = path.join(root, 'dist/add-ons');

/** Prints a line about the add-on of each platform. Throws if one is missing, or is not as its name says. */
export function inspectAddOns(platforms) {
  const files = platforms.map((platform) => path.join(ADD_ONS_FOLDER, addOnFile(platform)));
  const missing = files.filter((file) => !fs.existsSync(file));
  if (missing.length > 0) {
    throw new Error(`missing: ${missing.map((file) => path.relative(root, file)).join(', ')}`);
  }
  const python = ['run', '--quiet', '--no-project', '--with', 'lief==0.17.0', '--', 'python'];
  const script = path.join(root, 'scripts/native/inspect_add_ons.py');
  run(uvOnPathOrEnsured(), [...python, script, OLDEST_GLIBC, OLDEST_MACOS, root, ...files], { show: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    inspectAddOns(process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ADD_ONS));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
