// The real tools that the end-to-end tests work with, and a real workspace to work on.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ensureRuntimeClient, ensureUv, preferredPython, root, run } from '../scripts/tools.mjs';
import { temporaryFolder } from './workspace.mjs';

// Tests neither use nor fill the cache of whoever runs them.
process.env.UV_LAMBDA_CDK_CACHE_DIR = fs.mkdtempSync(path.join(os.tmpdir(), 'cache of the tests '));
process.on('exit', () => fs.rmSync(process.env.UV_LAMBDA_CDK_CACHE_DIR, { recursive: true, force: true }));

/** The uv of the tests. */
export const uv = ensureUv();

/** The Python that the tests bundle for, as `3.13`, and an interpreter of it. */
export const [pythonVersion, interpreter] = preferredPython(uv);

/** The interpreter of an environment with AWS's runtime interface client. */
export const runtimeClient = ensureRuntimeClient(interpreter, uv);

/** A copy of the workspace in `tests/fixtures/workspace`, where a test may change files. */
export function fixture(test, folder = path.join(temporaryFolder(test), 'workspace')) {
  fs.cpSync(path.join(root, 'tests/fixtures/workspace'), folder, { recursive: true });
  return folder;
}

/** Options for a member of the fixture. What is built twice is made twice. */
export function options(workspace, others = {}) {
  return {
    path: workspace,
    packageName: 'app',
    pythonVersion,
    architecture: 'x86_64',
    uv,
    python: interpreter,
    cache: false,
    ...others,
  };
}

/** What a zip holds: the contents of its entries as text, by name. */
export function unzip(zip) {
  const script = [
    'import json, sys, zipfile',
    'archive = zipfile.ZipFile(sys.argv[1])',
    "print(json.dumps({name: archive.read(name).decode('latin-1') for name in archive.namelist()}))",
  ].join('\n');
  return JSON.parse(run(interpreter, ['-c', script, zip]));
}

/** Every file below a folder with all that a stray write would change: size, times, mode, contents. */
export function snapshot(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const file = path.join(entry.parentPath ?? entry.path, entry.name);
      const { mode, mtimeMs, ctimeMs, size } = fs.lstatSync(file);
      return [
        path.relative(folder, file),
        mode,
        mtimeMs,
        ctimeMs,
        size,
        entry.isFile() ? fs.readFileSync(file, 'latin1') : '',
      ];
    })
    .sort();
}
