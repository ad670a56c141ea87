// Unchanged bundles are found by the stamps of files. Everything that may change the bundle changes a stamp, so after each change
// the result is that of a build without a cache.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleSync } from '../index.js';
import { edit, temporaryFolder, write } from './support/files.mjs';
import { options } from './support/toolchain.mjs';
import { run } from './support/tools.mjs';
import { writeWheel } from './support/wheels.mjs';
import { fixture } from './support/workspaces.mjs';

/** Milliseconds after which a file counts as settled: a later change of it has another stamp, whatever the file system. */
const SETTLED = 2100;

const MAIN = 'packages/app/src/app/main.py';

/** Each change of a workspace, and what it leads to: another zip, the same zip, or the code of an error. */
const CHANGES = {
  'a line of a source': [(folder) => fs.appendFileSync(path.join(folder, MAIN), '\nx = 1\n'), 'another'],
  'a source of a library': [
    (folder) => fs.appendFileSync(path.join(folder, 'packages/library/src/library/__init__.py'), '\nx = 1\n'),
    'another',
  ],
  'a source with its modification time set back': [
    (folder) => {
      const file = path.join(folder, MAIN);
      const { atime, mtime, size } = fs.statSync(file);
      fs.writeFileSync(file, '#'.repeat(size));
      fs.utimesSync(file, atime, mtime);
    },
    'HANDLER_NOT_FOUND',
  ],
  'a new file': [(folder) => write(path.join(folder, 'packages/app/src/app/new.py'), 'x = 1\n'), 'another'],
  'a new file in a new folder': [
    (folder) => write(path.join(folder, 'packages/app/src/app/inner/new.py'), 'x = 1\n'),
    'another',
  ],
  'a file that is gone': [(folder) => fs.rmSync(path.join(folder, 'packages/app/src/app/extra.py')), 'another'],
  'a file that has another name': [
    (folder) =>
      fs.renameSync(
        path.join(folder, 'packages/app/src/app/extra.py'),
        path.join(folder, 'packages/app/src/app/other.py'),
      ),
    'another',
  ],
  'rules of git around the package': [
    (folder) => write(path.join(folder, 'packages/.gitignore'), 'extra.py\n'),
    'another',
  ],
  'rules of git in the package': [
    (folder) => write(path.join(folder, 'packages/app/src/app/.gitignore'), 'extra.py\n'),
    'another',
  ],
  'the target of a link': [(folder) => fs.appendFileSync(path.join(folder, 'linked.py'), 'y = 2\n'), 'another'],
  'a link that leads somewhere now': [(folder) => write(path.join(folder, 'nowhere.py'), 'y = 2\n'), 'another'],
  'a manifest, which the lock does not match': [
    (folder) => edit(path.join(folder, 'packages/app/pyproject.toml'), '"library", ', ''),
    'LOCKFILE_OUTDATED',
  ],
  'the manifest of another member, which the lock does not match': [
    (folder) => edit(path.join(folder, 'packages/other/pyproject.toml'), '"library"', ''),
    'LOCKFILE_OUTDATED',
  ],
  'a wheel on this machine, which the lock has no digest of': [
    (folder) => writeWheel(path.join(folder, 'wheels'), 'acme-greeting', { 'acme_greeting.py': 'changed = True\n' }),
    'another',
  ],
  'a lock that is gone': [(folder) => fs.rmSync(path.join(folder, 'uv.lock')), 'NO_LOCKFILE'],
  'a version of Python for the project': [(folder) => write(path.join(folder, '.python-version'), '3.0.1\n'), 'same'],
  'a file that git ignores': [(folder) => write(path.join(folder, 'packages/app/src/app/x.pyc'), ''), 'same'],
  nothing: [() => {}, 'same'],
};

/** The SHA-256 of the zip, or the code of the error. */
function outcome(bundleOptions, output) {
  try {
    return bundleSync(bundleOptions, output).sha256;
  } catch ({ code }) {
    return code;
  }
}

/** The number of records with stamps of files in the cache. */
function records({ cacheDir }) {
  const facts = path.join(cacheDir, 'v1/facts');
  const names = fs.existsSync(facts) ? fs.readdirSync(facts) : [];
  return names.filter((name) => fs.readFileSync(path.join(facts, name), 'utf8').includes('"snapshot":')).length;
}

describe('a bundle is found by stamps, and not after a change of', () => {
  const cases = {};
  const all = fs.mkdtempSync(path.join(os.tmpdir(), 'uv-lambda-cdk-test-'));
  after(() => fs.rmSync(all, { recursive: true, force: true }));

  // The files of all cases settle at the same time.
  before(async () => {
    for (const [number, name] of Object.keys(CHANGES).entries()) {
      const folder = fixture(undefined, path.join(fs.realpathSync(all), `${number}`, 'workspace'));
      const app = path.join(folder, 'packages/app/src/app');
      write(path.join(app, 'extra.py'), 'x = 1\n');
      write(path.join(folder, 'linked.py'), 'y = 1\n');
      fs.symlinkSync(path.join(folder, 'linked.py'), path.join(app, 'linked.py'));
      fs.symlinkSync(path.join(folder, 'nowhere.py'), path.join(app, 'nowhere.py'));
      run('git', ['init', '--quiet'], { cwd: folder });
      // They share the packs, so that each of them need not build its packages before the change.
      const cacheDir = path.join(all, 'cache');
      cases[name] = options(folder, { handler: 'app.main.handler', cache: true, cacheDir });
    }
    await sleep(SETTLED);
  });

  for (const [name, [change, expected]] of Object.entries(CHANGES)) {
    test(name, async (t) => {
      const bundleOptions = cases[name];
      const output = temporaryFolder(t);
      const before = records(bundleOptions);
      const first = bundleSync(bundleOptions, output);
      assert.ok(records(bundleOptions) > before);
      assert.equal(bundleSync(bundleOptions, output).reused, true);
      change(bundleOptions.path);
      // The functions of one app share a look at the manifests of other members, for a moment.
      await sleep(100);
      const cached = outcome(bundleOptions, output);
      assert.equal(cached, outcome({ ...bundleOptions, cache: false }, temporaryFolder(t)));
      const is = { another: cached !== first.sha256 && cached.length === 64, same: cached === first.sha256 };
      assert.ok(is[expected] ?? cached === expected, cached);
    });
  }
});

test('a file that was changed just before it was read is read again', (t) => {
  const bundleOptions = options(fixture(t), { cache: true, cacheDir: temporaryFolder(t) });
  const output = temporaryFolder(t);
  for (const line of ['one', 'two', 'six']) {
    // Within one tick of a coarse clock, and of one length.
    fs.writeFileSync(path.join(bundleOptions.path, 'packages/app/src/app/extra.py'), `x = '${line}'\n`);
    const { sha256 } = bundleSync(bundleOptions, output);
    assert.equal(sha256, bundleSync({ ...bundleOptions, cache: false }, temporaryFolder(t)).sha256);
    assert.equal(records(bundleOptions), 0);
  }
});
