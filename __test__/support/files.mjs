// Files and folders: temporary ones, and what is in them.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { root } from './tools.mjs';

/** A new folder, which is removed when the test is over. */
export function temporaryFolder(test) {
  // The real path: the temporary folder of macOS is behind a symbolic link.
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'uv-lambda-cdk-test-')));
  test.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file, and makes the folders that it is in. `options` are those of `fs.writeFileSync`, such as a mode. */
export function write(file, text, options) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, options);
}

/** Writes files below a folder: their texts by their paths. */
export function writeAll(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    write(path.join(folder, name), text);
  }
}

/** Replaces a text in a file. Throws if the file does not contain it. */
export function edit(file, before, after) {
  const text = fs.readFileSync(file, 'utf8');
  const edited = text.replace(before, () => after);
  if (edited === text) {
    throw new Error(`\`${file}\` does not contain \`${before}\`:\n${text}`);
  }
  fs.writeFileSync(file, edited);
}

/** The SHA-256 of a file, in hex. */
export function sha256(file) {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

/** Every file below a folder with everything that a write changes: size, times, mode, contents. */
export function snapshot(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const file = path.join(entry.parentPath ?? entry.path, entry.name);
      const { mode, mtimeMs, ctimeMs, size } = fs.lstatSync(file);
      const contents = entry.isFile() ? fs.readFileSync(file, 'latin1') : '';
      return [path.relative(folder, file), mode, mtimeMs, ctimeMs, size, contents];
    })
    .sort();
}

/**
 * Copies this package as npm installs it: without dependencies, tests and sources. Returns the folder.
 *
 * @param except names of files at the top that are not copied
 */
export function copyPackage(folder, { except = [] } = {}) {
  const isShipped = /^(index\.js|index\.d\.ts|binding\.js|package\.json|.*\.node)$/;
  const top = fs.readdirSync(root).filter((name) => isShipped.test(name) && !except.includes(name));
  const construct = fs.readdirSync(path.join(root, 'construct')).filter((name) => /\.(js|d\.ts)$/.test(name));
  fs.mkdirSync(path.join(folder, 'construct'), { recursive: true });
  for (const file of [...top, ...construct.map((name) => path.join('construct', name))]) {
    fs.copyFileSync(path.join(root, file), path.join(folder, file));
  }
  return folder;
}
