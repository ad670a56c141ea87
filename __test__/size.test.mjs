// Sizes: a bundle that is larger than Lambda or the caller allows is reported at synth, with its largest packages.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { appFlags, cli } from './support/command-line.mjs';
import { temporaryFolder } from './support/files.mjs';
import { options } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';

const MEGABYTE = 1024 * 1024;

/** The fixture with a data file of this size in the library. All its bytes are the same, so the zip is small. */
function withData(t, bytes) {
  const folder = fixture(t);
  fs.writeFileSync(path.join(folder, 'packages/library/src/library/data.bin'), '');
  fs.truncateSync(path.join(folder, 'packages/library/src/library/data.bin'), bytes);
  return folder;
}

/** The messages about a bundle: `{ code, message }` of the error, or the warnings. */
function said(t, folder, maxSize, output = temporaryFolder(t)) {
  try {
    return bundleSync(options(folder, { maxSize }), output).warnings;
  } catch ({ code, message }) {
    return { code, message };
  }
}

describe('a bundle over 250 MB', () => {
  test('is refused, and names its largest packages', (t) => {
    const folder = withData(t, 260 * MEGABYTE);
    const output = temporaryFolder(t);
    const { code, message } = said(t, folder, { onExceed: 'warn' }, output);
    assert.equal(code, 'BUNDLE_TOO_LARGE');
    assert.match(
      message,
      /^BUNDLE_TOO_LARGE: the bundle of `app` is 260\.0 MB unzipped, 10\.0 MB more than Lambda takes \(250\.0 MB, layers included\); the largest packages are `library` 260\.0 MB, `app` .* kB and `acme-greeting` .* kB: leave out what the function does not need/,
    );
    assert.deepEqual(fs.readdirSync(output), []);
  });
});

describe('a limit of its own', () => {
  test('is obeyed, in bytes and in text', (t) => {
    const folder = withData(t, 2 * MEGABYTE);
    for (const unzipped of ['1 MB', MEGABYTE]) {
      const { code, message } = said(t, folder, { unzipped });
      assert.equal(code, 'BUNDLE_TOO_LARGE');
      assert.match(message, /is 2\.0 MB unzipped, 1\.0 MB more than the option `maxSize\.unzipped` allows \(1\.0 MB\)/);
    }
    assert.deepEqual(said(t, folder, { unzipped: '3 MB', zipped: '1 MB' }), []);
    const [warning, ...others] = said(t, folder, { unzipped: '1 MB', onExceed: 'warn' });
    assert.equal(warning.code, 'BUNDLE_TOO_LARGE');
    assert.match(warning.message, /the largest packages are `library` 2\.0 MB/);
    assert.deepEqual(others, []);
  });

  test('of the zip leaves no zip that is too large', (t) => {
    const output = temporaryFolder(t);
    const { code, message } = said(t, fixture(t), { zipped: '1 kB' }, output);
    assert.equal(code, 'BUNDLE_TOO_LARGE');
    assert.match(
      message,
      /^BUNDLE_TOO_LARGE: the zip of `app` is \d\.\d kB, .* more than the option `maxSize\.zipped` allows \(1\.0 kB\)/,
    );
    assert.deepEqual(fs.readdirSync(output), []);
  });

  test('that is none is an error of the options', (t) => {
    const folder = fixture(t);
    for (const [maxSize, message] of [
      ['80 MB', /the option `maxSize` must be an object such as `\{ unzipped: '100 MB' \}`, not a string/],
      [
        { unzipped: 'much' },
        /the option `maxSize\.unzipped` is `much`: write a number of bytes, or a text with a unit/,
      ],
      [{ onExceed: 'ignore' }, /the option `maxSize\.onExceed` is `ignore`: write `fail` or `warn`/],
      [
        { zip: 1 },
        /unknown option `maxSize\.zip` \(did you mean `maxSize\.zipped`\?\); the options are `maxSize\.unzipped`/,
      ],
    ]) {
      const error = said(t, folder, maxSize);
      assert.equal(error.code, 'INVALID_OPTIONS');
      assert.match(error.message, message);
    }
  });

  test('has flags on the command line, and is named by them', (t) => {
    const args = ['bundle', ...appFlags(fixture(t)), '--output', temporaryFolder(t)];
    const bundle = (...flags) => cli([...args, ...flags]);
    const failed = bundle('--max-size-unzipped', '1kB');
    assert.equal(failed.status, 2);
    assert.match(failed.stderr, /^error\[BUNDLE_TOO_LARGE\]: .* the option `--max-size-unzipped` allows \(1\.0 kB\)/);
    const warned = bundle('--max-size-zipped', '1024', '--max-size-on-exceed', 'warn');
    assert.equal(warned.status, 0, warned.stderr);
    assert.match(warned.stderr, /^warning\[BUNDLE_TOO_LARGE\]: the zip of `app` is/);
  });
});
