// What a package is packed from, and whether it is there. Nothing here builds anything.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { root } from '../../__test__/support/tools.mjs';
import { ADD_ONS, addOnFile, reachesRemoteCache } from '../native/add-ons.mjs';
import { ADD_ONS_FOLDER, executable } from '../native/inspect-add-ons.mjs';

/** The files that every package has, by their paths in the checkout. */
export const COMMON_FILES = [
  ...['index.js', 'index.d.ts', 'binding.js', 'cli.js', '.jsii', 'README.md', 'LICENSE'],
  ...['construct', 'container/image'],
];

/** The add-on of each platform, which `npm run build:all` makes. */
export const ALL_ADD_ONS = Object.keys(ADD_ONS).map((platform) => path.join(ADD_ONS_FOLDER, addOnFile(platform)));

/**
 * What is wrong with the files that the packages are made of, a line for each: a file that is missing, a program that was built
 * from other sources than those of this checkout, or an executable that reaches no remote cache.
 *
 * @param addOns the paths of the add-ons
 * @param names the names of the executables
 */
export function wrongArtefacts(addOns, names) {
  const constructs = fs.readdirSync(path.join(root, 'construct')).filter((name) => /(?<!\.d)\.ts$/.test(name));
  const built = constructs.flatMap((name) => ['.js', '.d.ts'].map((end) => `construct/${name.replace(/\.ts$/, end)}`));
  const files = [...COMMON_FILES, ...built].map((name) => path.join(root, name));
  const programs = [...names.map(executable), ...addOns];
  const missing = [...files, ...programs].filter((file) => !fs.existsSync(file));
  const digest = digestOfSources();
  const without = (text, files) => files.filter((file) => fs.existsSync(file) && !fs.readFileSync(file).includes(text));
  const shown = (file) => `\`${path.relative(root, file)}\``;
  return [
    ...missing.map((file) => `${shown(file)} is missing`),
    ...without(digest, programs).map((file) => `${shown(file)} was built from other sources`),
    // Each crate has its name in the file.
    ...without('opendal', names.filter(reachesRemoteCache).map(executable)).map(
      (file) => `${shown(file)} was built without the remote cache`,
    ),
  ];
}

/** The digest of the sources of the core, as `build.rs` writes it into each program. */
function digestOfSources() {
  const sources = fs.readdirSync(path.join(root, 'src'), { recursive: true, withFileTypes: true });
  const names = sources
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)));
  // In the order of Rust's paths, which are compared folder by folder.
  const parts = ['Cargo.lock', 'Cargo.toml', ...names].map((name) => name.split(path.sep)).sort(compareParts);
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(fs.readFileSync(path.join(root, ...part)));
  }
  return `[${[...hash.digest()].map((byte) => byte.toString(16)).join(', ')}]`;
}

function compareParts(left, right) {
  const index = left.findIndex((part, position) => part !== right[position]);
  const [a, b] = index === -1 ? [left.length, right.length] : [left[index], right[index] ?? ''];
  return a < b ? -1 : Number(a > b);
}
