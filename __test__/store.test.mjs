// The cache: it is used, it never changes the bytes, and damage to it does no harm.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UvBundler, bundleAll, bundleSync } from '../index.js';
import { program as commandLine } from './support/command-line.mjs';
import { temporaryFolder } from './support/files.mjs';
import { bundleReport, outputOf, startBundle, startNode } from './support/node-process.mjs';
import { interpreter, options } from './support/toolchain.mjs';
import { run } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';

const main = 'packages/app/src/app/main.py';

/** Options that use a cache of the test's own. */
function cached(test, workspace, others = {}) {
  return options(workspace, { cache: true, cacheDir: temporaryFolder(test), ...others });
}

/** The bundle, and the same bundle built without a cache. */
function both(test, bundleOptions) {
  const bundle = bundleSync(bundleOptions, temporaryFolder(test));
  const fresh = bundleSync({ ...bundleOptions, cache: false }, temporaryFolder(test));
  assert.equal(bundle.sha256, fresh.sha256);
  assert.deepEqual(fs.readFileSync(bundle.zipPath), fs.readFileSync(fresh.zipPath));
  return bundle;
}

/** The files of a cache, without locks. */
function entries(cacheDir) {
  return fs
    .readdirSync(cacheDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/locks/.test(entry.parentPath ?? entry.path))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

test('a bundle of which nothing changed', async (t) => {
  const workspace = fixture(t);
  const bundleOptions = cached(t, workspace, { handler: 'app.main.handler' });
  const first = both(t, bundleOptions);
  const zip = fs.readFileSync(first.zipPath);
  const again = () => bundleSync(bundleOptions, temporaryFolder(t));

  await t.test('is delivered, and reported as before', () => {
    const { reused, zipPath: delivered, seconds, ...report } = again();
    assert.equal(reused, true);
    assert.equal(first.reused, false);
    const { zipPath: _, reused: __, seconds: ___, ...firstReport } = first;
    assert.deepEqual(report, firstReport);
    assert.deepEqual(fs.readFileSync(delivered), zip);
    assert.ok(fs.lstatSync(delivered).isFile());
  });

  await t.test('starts no process', { skip: !fs.existsSync('/proc/self/stat') }, () => {
    // The eleventh field counts the page faults of ended children.
    const children = () => fs.readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')[8];
    const before = children();
    assert.equal(again().reused, true);
    assert.equal(children(), before);
    run(interpreter, ['-c', '']);
    assert.notEqual(children(), before);
  });

  await t.test('is found from another checkout', () => {
    assert.equal(bundleSync({ ...bundleOptions, path: fixture(t) }, temporaryFolder(t)).reused, true);
  });

  await t.test('is checked for the handler that is asked for', () => {
    assert.throws(() => bundleSync({ ...bundleOptions, handler: 'app.mian.handler' }, temporaryFolder(t)), {
      code: 'HANDLER_NOT_FOUND',
    });
  });

  await t.test('is not delivered while the lock does not match', async () => {
    const manifest = path.join(workspace, 'packages/other/pyproject.toml');
    const text = fs.readFileSync(manifest, 'utf8');
    fs.writeFileSync(manifest, text.replace('dependencies = [', 'dependencies = ["acme-dev",'));
    // The functions of one app share a look at the manifests of other members, for a moment.
    await sleep(100);
    assert.throws(again, { code: 'LOCKFILE_OUTDATED' });
    fs.writeFileSync(manifest, text);
    await sleep(100);
    assert.equal(again().reused, true);
  });

  await t.test('is made anew where the delivered zip has been written to', () => {
    fs.writeFileSync(again().zipPath, 'another zip');
    const mended = again();
    assert.equal(mended.sha256, first.sha256);
    assert.deepEqual(fs.readFileSync(mended.zipPath), zip);
  });
});

test('a change is in the next bundle, and undoing it gives the bundle from before', (t) => {
  const workspace = fixture(t);
  const bundleOptions = cached(t, workspace);
  const { sha256 } = both(t, bundleOptions);
  const changes = {
    [main]: (text) => `${text}\nCHANGED = True\n`,
    'packages/library/src/library/__init__.py': (text) => `${text}\nCHANGED = True\n`,
    'packages/app/src/app/new.py': () => 'NEW = True\n',
    'packages/app/pyproject.toml': (text) => text.replace('[project]', '[project]\ndescription = "changed"'),
  };
  for (const [file, change] of Object.entries(changes)) {
    const place = path.join(workspace, file);
    const before = fs.existsSync(place) ? fs.readFileSync(place, 'utf8') : undefined;
    fs.writeFileSync(place, change(before));
    const changed = both(t, bundleOptions);
    assert.equal(changed.reused, false, file);
    assert.notEqual(changed.sha256, sha256, file);
    if (before === undefined) {
      fs.rmSync(place);
    } else {
      fs.writeFileSync(place, before);
    }
    const undone = bundleSync(bundleOptions, temporaryFolder(t));
    assert.deepEqual([undone.reused, undone.sha256], [true, sha256], file);
  }
});

test('what cannot change the bundle makes nothing new', (t) => {
  const workspace = fixture(t);
  const bundleOptions = cached(t, workspace);
  bundleSync(bundleOptions, temporaryFolder(t));
  fs.writeFileSync(path.join(workspace, 'packages/other/src/other/new.py'), '');
  fs.mkdirSync(path.join(workspace, 'packages/app/__pycache__'));
  fs.writeFileSync(path.join(workspace, 'packages/app/__pycache__/x.pyc'), '');
  fs.writeFileSync(path.join(workspace, 'README.md'), '# new');
  fs.utimesSync(path.join(workspace, main), new Date(0), new Date(0));
  assert.equal(bundleSync(bundleOptions, temporaryFolder(t)).reused, true);
});

test('commands of the caller run each time', (t) => {
  const bundleOptions = cached(t, fixture(t), {
    hooks: { beforeZip: ['date +%s%N > app/stamp.txt'] },
  });
  const [first, second] = [1, 2].map(() => bundleSync(bundleOptions, temporaryFolder(t)));
  assert.notEqual(first.sha256, second.sha256);
  assert.equal(second.reused, false);
});

test('damage to any entry is noticed', (t) => {
  const bundleOptions = cached(t, fixture(t));
  const { sha256 } = bundleSync(bundleOptions, temporaryFolder(t));
  assert.equal(bundleSync({ ...bundleOptions, cache: false }, temporaryFolder(t)).sha256, sha256);
  const damages = {
    'a changed byte': (file) => {
      const bytes = fs.readFileSync(file);
      bytes[bytes.length >> 1] ^= 1;
      fs.writeFileSync(file, bytes);
    },
    'a cut': (file) => fs.truncateSync(file, fs.statSync(file).size >> 1),
    'nothing left': (file) => fs.truncateSync(file, 0),
    'no file': (file) => fs.rmSync(file),
  };
  for (const [name, damage] of Object.entries(damages)) {
    for (const kind of ['packs', 'bundles']) {
      const files = entries(bundleOptions.cacheDir).filter((file) => file.includes(`${path.sep}${kind}${path.sep}`));
      assert.ok(files.length > 0, `${name}, ${kind}`);
      files.forEach(damage);
      const mended = bundleSync(bundleOptions, temporaryFolder(t));
      assert.equal(mended.sha256, sha256, `${name}, ${kind}`);
    }
  }
});

test('many processes at once, one of them killed, share a cache', async (t) => {
  const bundleOptions = cached(t, fixture(t));
  const victim = startBundle(bundleOptions, temporaryFolder(t));
  const others = [1, 2, 3].map(() => bundleReport(bundleOptions, temporaryFolder(t)));
  await sleep(400);
  victim.kill('SIGKILL');
  const digests = (await Promise.all(others)).map((report) => report.sha256);
  const { sha256 } = bundleSync({ ...bundleOptions, cache: false }, temporaryFolder(t));
  assert.deepEqual(digests, [sha256, sha256, sha256]);
  assert.equal(bundleSync(bundleOptions, temporaryFolder(t)).reused, true);
});

test('where nothing can be cached, the bundle says so and is right', (t) => {
  const file = path.join(temporaryFolder(t), 'a file');
  fs.writeFileSync(file, '');
  const { warnings, sha256 } = bundleSync(cached(t, fixture(t), { cacheDir: file }), temporaryFolder(t));
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['CACHE_NOT_USABLE'],
  );
  assert.ok(warnings[0].message.includes(file), warnings[0].message);
  assert.equal(sha256, bundleSync(options(fixture(t)), temporaryFolder(t)).sha256);
});

test('many bundles at once are those that one after the other would be', async (t) => {
  const workspace = fixture(t);
  const bundleOptions = cached(t, workspace);
  const outputDir = temporaryFolder(t);
  const names = ['other', 'app', 'library'];
  const bundles = await bundleAll(
    names.map((packageName) => ({ options: { ...bundleOptions, packageName }, outputDir })),
  );
  assert.deepEqual(
    bundles.map(({ zipPath: zip }) => path.basename(zip)),
    names.map((name) => `${name}.zip`),
  );
  for (const [index, packageName] of names.entries()) {
    const alone = bundleSync(options(workspace, { packageName }), temporaryFolder(t));
    assert.equal(bundles[index].sha256, alone.sha256);
  }
  await assert.rejects(
    bundleAll([
      { options: bundleOptions, outputDir },
      { options: { ...bundleOptions, packageName: 'nobody' }, outputDir },
    ]),
    { code: 'UNKNOWN_PACKAGE' },
  );
  assert.deepEqual(await bundleAll([]), []);
  // One of two zips with the same name would be lost.
  const sameFolder = temporaryFolder(t);
  const twice = ['app.main.handler', 'app.main.other'].map((handler) => ({
    options: cached(t, workspace, { handler }),
    outputDir: sameFolder,
  }));
  await assert.rejects(bundleAll(twice), { code: 'INVALID_OPTIONS', message: /two requests write `.*app\.zip`/ });
});

test('the functions of the last synth are made in the background', async (t) => {
  const workspace = fixture(t);
  const cacheDir = temporaryFolder(t);
  const names = ['app', 'other'];
  const bundleOptions = (packageName) => cached(t, workspace, { cacheDir, packageName });
  const bundles = path.join(cacheDir, 'v1/bundles');
  const cachedZips = () => fs.readdirSync(bundles).filter((name) => name.endsWith('.zip')).length;
  /** Runs an app that lives on until there are so many zips, or for some milliseconds. */
  const synthesise = async (names, { stacks = '**', zips = 0, limit = 30_000 }) => {
    const program = `
      process.chdir(${JSON.stringify(workspace)});
      for (const options of ${JSON.stringify(names.map(bundleOptions))}) {
        new uvLambdaCdk.UvBundler(options).tryBundle(${JSON.stringify(temporaryFolder(t))});
      }
      const end = Date.now() + ${limit};
      const cachedZips = () => fs.readdirSync(${JSON.stringify(bundles)}).filter((name) => name.endsWith('.zip')).length;
      const timer = setInterval(() => (cachedZips() >= ${zips} || Date.now() > end) && clearInterval(timer), 50);
    `;
    // As the `cdk` command starts an app.
    const env = { CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:bundling-stacks': [stacks] }) };
    await outputOf(startNode(`const fs = require('node:fs');${program}`, env));
  };
  const change = (file) => fs.appendFileSync(path.join(workspace, 'packages', file), '\nCHANGED = True\n');
  await synthesise(names, {});
  change('other/src/other/__init__.py');
  change('app/src/app/main.py');
  // Other stacks are selected: the other function is not one of theirs.
  await synthesise(['app'], { stacks: 'One', zips: 4, limit: 3000 });
  assert.equal(cachedZips(), 3);
  // The app asks only for the first; the other one is built too.
  change('app/src/app/main.py');
  await synthesise(['app'], { zips: 5 });
  assert.equal(cachedZips(), 5);
  assert.equal(bundleSync(bundleOptions('other'), temporaryFolder(t)).reused, true);
});

test('the verb `cache`', async (t) => {
  const bundleOptions = cached(t, fixture(t));
  const { cacheDir } = bundleOptions;
  bundleSync(bundleOptions, temporaryFolder(t));
  const cache = (...others) =>
    JSON.parse(run(process.execPath, [commandLine, 'cache', ...others, '--cache-dir', cacheDir, '--json']));
  const { path: folder, bytes, bundles, packages } = cache();
  assert.deepEqual([folder, bundles, packages], [cacheDir, 1, 3]);
  assert.ok(bytes > 10_000, `${bytes}`);
  assert.equal(cache('prune', '--unused-for', '1h').removedEntries, 0);
  const { bytes: left, removedBytes } = cache('prune', '--to-size', '2kB');
  assert.ok(left <= 2000 && removedBytes + left === bytes, `${left} ${removedBytes}`);
  bundleSync(bundleOptions, temporaryFolder(t));
  assert.equal(cache('clear').bytes, 0);
  assert.deepEqual(fs.readdirSync(cacheDir), ['CACHEDIR.TAG']);
});

test('the bundler lends too', (t) => {
  const bundleOptions = cached(t, fixture(t));
  const outputs = [1, 2].map(() => temporaryFolder(t));
  for (const output of outputs) {
    assert.equal(new UvBundler(bundleOptions).tryBundle(output), true);
  }
  const [first, second] = outputs.map((output) => fs.readFileSync(path.join(output, 'app.zip')));
  assert.deepEqual(first, second);
});
