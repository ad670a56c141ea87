// File names: the same project has the same names in the zip on every system.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { temporaryFolder, writeAll } from './support/files.mjs';
import { options } from './support/toolchain.mjs';
import { manifest, virtualLock } from './support/workspaces.mjs';
import { zipNames } from './support/zips.mjs';

// The letter é, as most systems write it, and as macOS may write it.
const COMPOSED = 'caf\u00e9';
const DECOMPOSED = 'cafe\u0301';

/** An application of these files. */
function application(t, files) {
  const folder = temporaryFolder(t);
  writeAll(folder, { 'pyproject.toml': manifest('app'), 'uv.lock': virtualLock([['app', '.']]), ...files });
  return folder;
}

/** Whether the file system of the tests can have two files with these names. */
function keepsApart(t, one, other) {
  const folder = temporaryFolder(t);
  writeAll(folder, { [one]: '', [other]: '' });
  return fs.readdirSync(folder).length === 2;
}

describe('a name in the decomposed form', () => {
  test('is composed in the zip, and for `include` and `exclude`', (t) => {
    const files = { [`${DECOMPOSED}/${DECOMPOSED}.py`]: 'x = 1\n', [`${DECOMPOSED}/data.txt`]: '' };
    const output = temporaryFolder(t);
    const folder = application(t, files);
    const [decomposed, composed] = [folder, application(t, { [`${COMPOSED}/${COMPOSED}.py`]: 'x = 1\n' })].map(
      (project, number) => {
        const exclude = number === 0 ? [`/${COMPOSED}/data.txt`] : [];
        return bundleSync(options(project, { exclude }), path.join(output, String(number)));
      },
    );
    assert.ok(zipNames(decomposed.zipPath).includes(`${COMPOSED}/${COMPOSED}.py`));
    assert.equal(decomposed.sha256, composed.sha256);
  });

  test('beside the composed one is an error that names both', (t) => {
    if (!keepsApart(t, COMPOSED, DECOMPOSED)) {
      return t.skip('this file system takes the two names for one');
    }
    const folder = application(t, { [`${COMPOSED}.py`]: '', [`${DECOMPOSED}.py`]: '' });
    assert.throws(() => bundleSync(options(folder), temporaryFolder(t)), {
      code: 'PROJECT_NOT_READABLE',
      message:
        /`cafe\\u\{301\}\.py` and `caf\\u\{e9\}\.py` in `.*` are one name in two Unicode forms, .*: rename one of them$/,
    });
  });
});

describe('names that differ only by case', () => {
  test('are a warning that names both', (t) => {
    if (!keepsApart(t, 'a', 'A')) {
      return t.skip('this file system takes the two names for one');
    }
    const folder = application(t, { 'main.py': '', 'Data/one.txt': '', 'data/two.txt': '' });
    const { warnings } = bundleSync(options(folder), temporaryFolder(t));
    assert.deepEqual(warnings, [
      {
        code: 'NAMES_TOO_ALIKE',
        message:
          '`app` has `Data` and `data`: on macOS and Windows these are the same name, and a bundle built there would differ: rename one of them',
      },
    ]);
  });
});
