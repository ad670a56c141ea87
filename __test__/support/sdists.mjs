// Packages that are there only as source, made by the tests: folders, archives, git repositories.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeAll } from './files.mjs';
import { run } from './tools.mjs';

const backend = path.join(path.dirname(fileURLToPath(import.meta.url)), 'pure_backend.py');

/**
 * Writes the source of a package whose module has `WORDS`. It brings its own build backend, `pure_backend.py`.
 *
 * @param about more of what the backend reads in its `backend.json`
 * @param requires its build requirements
 * @param dynamic whether only the backend knows its version and its dependencies
 */
export function writeSource(
  folder,
  name,
  { version = '1.0', words = name, requires = [], about = {}, dynamic = false } = {},
) {
  const versionLine = dynamic ? 'dynamic = ["version", "dependencies"]' : `version = "${version}"`;
  writeAll(folder, {
    'PKG-INFO': `Metadata-Version: ${dynamic ? '2.1' : '2.2'}\nName: ${name}\nVersion: ${version}\n`,
    'pyproject.toml': `[project]\nname = "${name}"\n${versionLine}\n\n[build-system]\nrequires = ${JSON.stringify(requires)}\nbuild-backend = "pure_backend"\nbackend-path = ["."]\n`,
    'backend.json': JSON.stringify({ name, version, ...about }),
    [`${name.replaceAll('-', '_')}/__init__.py`]: `WORDS = ${JSON.stringify(words)}\n`,
  });
  fs.copyFileSync(backend, path.join(folder, 'pure_backend.py'));
  return folder;
}

/** Writes the sdist of such a package into a folder, and returns its path. */
export function writeSdist(folder, name, settings = {}) {
  const stem = `${name.replaceAll('-', '_')}-${settings.version ?? '1.0'}`;
  const source = path.join(folder, stem);
  writeSource(source, name, settings);
  const archive = path.join(folder, `${stem}.tar.gz`);
  run('tar', ['-C', folder, '-czf', archive, stem]);
  fs.rmSync(source, { recursive: true });
  return archive;
}

/** Makes a git repository of a folder, with one commit. Returns its address. */
export function commitAll(folder) {
  for (const words of [
    ['init', '--quiet'],
    ['add', '.'],
    ['-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message', 'one'],
  ]) {
    run('git', words, { cwd: folder });
  }
  return `file://${folder}`;
}
