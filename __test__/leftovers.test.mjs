// Leftovers: neither a bundle nor the programs that it starts leave anything in the temporary folder.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, test } from 'node:test';
import { cli } from './support/command-line.mjs';
import { temporaryFolder } from './support/files.mjs';
import { interpreter, runtimeName, uv } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';

/** Bundles `app` of the fixture with a temporary folder of the test's own, and returns the names of the files that are left there. */
function leftAfter(t, args) {
  const temporary = temporaryFolder(t);
  const flags = ['--path', fixture(t), '--package', 'app', '--runtime', runtimeName, '--uv', uv, '--no-cache'];
  const { status, stderr } = cli(['bundle', ...flags, '--output', temporaryFolder(t), ...args], {
    env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
  });
  assert.equal(status, 0, stderr);
  return fs.readdirSync(temporary);
}

describe('the temporary folder', () => {
  test('is empty after a cold bundle', (t) => {
    assert.deepEqual(leftAfter(t, ['--python', interpreter]), []);
  });

  test('is empty after uv found the interpreter', (t) => {
    assert.deepEqual(leftAfter(t, []), []);
  });
});
