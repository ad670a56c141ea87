// Large files: a file that Lambda can never take is refused before it is read, at once and with little memory.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, write } from './support/files.mjs';
import { bundleReport } from './support/node-process.mjs';
import { options } from './support/toolchain.mjs';
import { manifest, virtualLock } from './support/workspaces.mjs';

const MEGABYTE = 1024 * 1024;

/** An application with a sparse file of this size. */
function application(t, bytes) {
  const folder = temporaryFolder(t);
  write(path.join(folder, 'pyproject.toml'), manifest('app'));
  write(path.join(folder, 'uv.lock'), virtualLock([['app', '.']]));
  write(path.join(folder, 'main.py'), 'def handler(event, context):\n    return event\n');
  write(path.join(folder, 'models/weights.bin'), '');
  fs.truncateSync(path.join(folder, 'models/weights.bin'), bytes);
  return folder;
}

describe('a file of 2 GB in an application', () => {
  test('is refused at once, and named', async (t) => {
    const folder = application(t, 2048 * MEGABYTE);
    const { error, seconds, megabytes } = await bundleReport(options(folder), temporaryFolder(t));
    t.diagnostic(`${seconds.toFixed(2)} s, ${megabytes.toFixed(0)} MB`);
    assert.equal(error.code, 'BUNDLE_TOO_LARGE');
    assert.match(
      error.message,
      /^BUNDLE_TOO_LARGE: the sources of `app` are 2048\.0 MB, 1798\.0 MB more than Lambda takes \(250\.0 MB, layers included\); the largest file is `models\/weights\.bin` \(2048\.0 MB\): leave out /,
    );
    // Reading the file would take more than a minute.
    assert.ok(seconds < 10, `${seconds} s`);
    assert.ok(megabytes < 250, `${megabytes} MB`);
  });
});
