// What lies in a remote cache, and who may believe it: foreign code, signatures, secrets; many processes at once and processes that
// end; the verbs that look after it. `npm run build:remote-cache` makes the executable.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleSync } from '../index.js';
import { appFlags, cli } from './support/command-line.mjs';
import { noAnswer, refusedEndpoint, startFaultProxy } from './support/fault-proxy.mjs';
import { temporaryFolder, write } from './support/files.mjs';
import { fileSystem, withMount } from './support/mounts.mjs';
import {
  STORES,
  WRITES,
  assertNoHelper,
  bundles,
  contentsOf,
  filesOfPack,
  helpers,
  objectOf,
  onNewMachine,
  replaceInPack,
  startBundles,
  startStore,
} from './support/remote-caches.mjs';
import {
  CREDENTIALS,
  PASSWORD,
  USERNAME,
  appFrom,
  assertNowhere,
  lockPrivately,
  startPrivateIndex,
} from './support/secrets.mjs';
import { runAppWatched } from './support/synth.mjs';
import { interpreter, options, pythonVersion, uv } from './support/toolchain.mjs';
import { root, run } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';
import { unzip } from './support/zips.mjs';

const HANDLER = 'app.main.handler';
const MEMBERS = ['app', 'library', 'other'];
const KEY = { UV_LAMBDA_CDK_REMOTE_CACHE_KEY: 'the-key-of-the-team' };
const REFUSED = 'REMOTE_CACHE_OBJECT_REFUSED';

const digestOf = (t, others = {}) => bundleSync(options(fixture(t), others), temporaryFolder(t)).sha256;

const codesOf = ({ warnings }) => warnings.map(({ code }) => code);

/** The name of an object below the prefix and the layout, which is a part of its digest. */
const nameInDigest = (name) => name.split('/v1/').at(-1);

describe('an object that somebody changed', () => {
  const FOREIGN = 'def handler(event, context):\n    return "FOREIGN"\n';
  const MAIN = 'app/main.py';

  /** A store that a machine filled, perhaps with a key. `poison(file, options)` replaces a file in the pack that has it. */
  const prepare = async (t, env = {}) => {
    const store = await startStore(t);
    const workspace = fixture(t);
    await bundles(t, [onNewMachine(t, workspace, { handler: HANDLER })], {
      env: { ...store.cacheAt(), ...WRITES, ...env },
    });
    const poison = async (file, { record = true, key } = {}) => {
      for (const { name } of await store.list()) {
        if (!name.includes('/packs/')) {
          continue;
        }
        let pack = contentsOf(await store.read(name));
        const files = filesOfPack(pack);
        if (!(file in files)) {
          continue;
        }
        pack = replaceInPack(pack, file, FOREIGN);
        const list = Object.keys(files).find((name) => name.endsWith('.dist-info/RECORD'));
        if (record) {
          const digest = createHash('sha256').update(FOREIGN).digest('base64url');
          const rows = String(files[list]).split('\n');
          const row = rows.findIndex((line) => line.startsWith(`${file},`));
          assert.ok(row >= 0, String(files[list]));
          rows[row] = `${file},sha256=${digest},${FOREIGN.length}`;
          pack = replaceInPack(pack, list, rows.join('\n'));
        }
        await store.write(name, objectOf(nameInDigest(name), pack, key));
        return;
      }
      throw new Error(`no pack has \`${file}\``);
    };
    const read = (variables = {}) =>
      bundles(t, [onNewMachine(t, workspace, { handler: HANDLER })], { env: { ...store.cacheAt(), ...variables } });
    return { store, workspace, poison, read };
  };

  test('is in the zip of a reader without a key, and an audit names the file', async (t) => {
    const { store, workspace, poison, read } = await prepare(t);
    await poison(MAIN);
    const poisoned = await read();
    assert.notEqual(poisoned.digests[0], digestOf(t, { handler: HANDLER }));
    assert.equal(unzip(poisoned.bundles[0].zipPath)[MAIN], FOREIGN);
    assert.deepEqual(poisoned.warnings, []);

    const env = { ...process.env, ...store.cacheAt(), UV_LAMBDA_CDK_CACHE_DIR: temporaryFolder(t) };
    const flags = ['--warm-only', '--remote', ...appFlags(workspace), '--handler', HANDLER];
    const audit = cli(['verify', ...flags], { env });
    assert.deepEqual([audit.status, audit.stderr], [1, '']);
    assert.match(
      audit.stdout,
      /^the first build took 5 entries from the remote cache\ndiffers: `app\/main\.py` differs at byte /,
    );
    const { same, differingFiles, remoteEntries } = JSON.parse(cli(['verify', '--json', ...flags], { env }).stdout);
    assert.deepEqual([same, differingFiles.includes(MAIN), remoteEntries], [false, true, 5]);

    // After a bundle, the same process has fetched the object already.
    const program = `
      const { bundleSync, verifySync } = require(${JSON.stringify(root)});
      const request = ${JSON.stringify(onNewMachine(t, workspace, { handler: HANDLER }))};
      bundleSync(request, ${JSON.stringify(temporaryFolder(t))});
      console.log(JSON.stringify(verifySync(request, { remote: true, coldCache: false })));
    `;
    const script = path.join(temporaryFolder(t), 'audit.cjs');
    write(script, program);
    const verification = JSON.parse(run(process.execPath, [script], { env }));
    assert.deepEqual(
      [verification.same, verification.differingFiles.includes(MAIN), verification.remoteEntries],
      [false, true, 5],
    );
  });

  test('an audit of a store without foreign objects finds no difference', async (t) => {
    const { store, workspace } = await prepare(t);
    const env = { ...process.env, ...store.cacheAt(), UV_LAMBDA_CDK_CACHE_DIR: temporaryFolder(t) };
    const { status, stdout, stderr } = cli(
      ['verify', '--warm-only', '--remote', ...appFlags(workspace), '--handler', HANDLER],
      { env },
    );
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^the first build took 5 entries from the remote cache\nsame: /);
  });

  const assertRefused = async (t, outcome, text) => {
    assert.deepEqual(outcome.digests, [digestOf(t, { handler: HANDLER })]);
    assert.deepEqual(codesOf(outcome), [REFUSED], JSON.stringify(outcome.warnings));
    assert.match(outcome.warnings[0].message, text);
  };

  test('is refused by a reader with a key, because it is not signed', async (t) => {
    const { poison, read } = await prepare(t, KEY);
    await poison(MAIN);
    await assertRefused(
      t,
      await read(KEY),
      /`packs\/[0-9a-f]{64}` was not read: it is not signed, and `UV_LAMBDA_CDK_REMOTE_CACHE_KEY` asks for a signature/,
    );
  });

  test('is refused by a reader with a key, if another key signed it', async (t) => {
    const { poison, read } = await prepare(t, KEY);
    await poison(MAIN, { key: 'the key of somebody else' });
    await assertRefused(
      t,
      await read(KEY),
      /its signature is not that of `UV_LAMBDA_CDK_REMOTE_CACHE_KEY`: somebody without this key wrote it/,
    );
  });

  test('is refused without a key too, if a file is not that of its RECORD', async (t) => {
    const { poison, read } = await prepare(t);
    await poison(MAIN, { record: false });
    await assertRefused(t, await read(), /a file in it is not the file that the RECORD of its wheel lists/);
  });

  test('in the package of an index, is refused if a file is not that of its RECORD', async (t) => {
    const { poison, read } = await prepare(t);
    await poison('acme_greeting/__init__.py', { record: false });
    await assertRefused(t, await read(), /a file in it is not the file that the RECORD of its wheel lists/);
  });

  test('is no pack at all', async (t) => {
    const { store, read } = await prepare(t);
    for (const { name } of (await store.list()).filter(({ name }) => name.includes('/packs/'))) {
      await store.write(name, objectOf(nameInDigest(name), Buffer.from('no pack')));
    }
    const outcome = await read();
    assert.deepEqual(outcome.digests, [digestOf(t, { handler: HANDLER })]);
    assert.deepEqual(codesOf(outcome), [REFUSED]);
  });

  test('that nobody changed and the key signed is taken', async (t) => {
    const { read } = await prepare(t, KEY);
    assert.deepEqual((await read(KEY)).warnings, []);
    // Without a key, signatures do not count.
    assert.deepEqual((await read()).warnings, []);
  });

  test('without a signature is replaced by a writer with a key', async (t) => {
    const { read } = await prepare(t);
    const first = await read({ ...KEY, ...WRITES });
    assert.deepEqual(codesOf(first), [REFUSED]);
    assert.deepEqual((await read(KEY)).warnings, []);
  });
});

test('sixteen processes fill one store and read from it at once', async (t) => {
  const store = await startStore(t);
  const env = { ...store.cacheAt(), ...WRITES };
  const expected = Object.fromEntries(MEMBERS.map((packageName) => [packageName, digestOf(t, { packageName })]));
  const outcomes = await Promise.all(
    Array.from({ length: 16 }, async (_, index) => {
      const workspace = fixture(t);
      const cacheDir = temporaryFolder(t);
      const names = MEMBERS.map((_, place) => MEMBERS[(index + place) % MEMBERS.length]);
      const requests = names.map((packageName) => options(workspace, { packageName, cache: true, cacheDir }));
      return { names, ...(await bundles(t, requests, { env, door: index % 2 === 0 ? 'bundleSync' : 'bundleAll' })) };
    }),
  );
  for (const { names, digests, warnings } of outcomes) {
    assert.deepEqual([digests, warnings], [names.map((name) => expected[name]), []]);
  }
  const last = await bundles(t, [onNewMachine(t, fixture(t))], { env: store.cacheAt() });
  assert.deepEqual([last.digests, last.warnings], [[expected.app], []]);
});

test('no secret is in an object, in a cache, in a message, in an asset or in a command line', async (t) => {
  const store = await startStore(t);
  const index = await startPrivateIndex(t);
  const folder = appFrom(t, `${index.origin}/simple`);
  lockPrivately(t, folder, index);
  const value = randomBytes(12).toString('hex');
  const variables = {
    ...store.cacheAt(),
    ...WRITES,
    ...CREDENTIALS,
    UV_LAMBDA_CDK_REMOTE_CACHE_KEY: randomBytes(12).toString('hex'),
    UV_LAMBDA_CDK_REMOTE_CACHE_PASSWORD: randomBytes(12).toString('hex'),
    DATABASE_PASSWORD: value,
    SOME_SETTING: randomBytes(12).toString('hex'),
  };
  const secrets = [
    PASSWORD,
    USERNAME,
    store.environment.AWS_ACCESS_KEY_ID,
    store.environment.AWS_SECRET_ACCESS_KEY,
    variables.UV_LAMBDA_CDK_REMOTE_CACHE_KEY,
    variables.UV_LAMBDA_CDK_REMOTE_CACHE_PASSWORD,
    value,
    variables.SOME_SETTING,
  ];
  const functions = `{ Fn: { path: ${JSON.stringify(folder)}, handler: 'main.handler', runtime: new lambda.Runtime('python${pythonVersion}', lambda.RuntimeFamily.PYTHON), bundling: { uv: ${JSON.stringify(uv)}, python: ${JSON.stringify(interpreter)} } } }`;
  const seen = new Set();
  const synthesise = async (others) => {
    const cacheDir = temporaryFolder(t);
    const env = {
      ...process.env,
      ...variables,
      UV_LAMBDA_CDK_CACHE_DIR: cacheDir,
      UV_CACHE_DIR: temporaryFolder(t),
      ...others,
    };
    const app = await runAppWatched(t, { functions, synthesise: true, env }, () =>
      helpers().forEach((line) => seen.add(line)),
    );
    assert.equal(app.status, 0, app.stderr);
    // What is compressed is searched too.
    const unpacked = temporaryFolder(t);
    const dump = (name, pack) => {
      for (const [file, contents] of Object.entries(filesOfPack(pack))) {
        write(path.join(unpacked, name, file), contents);
      }
    };
    const packs = path.join(cacheDir, 'v1/packs');
    fs.readdirSync(packs).forEach((name) => dump(`local/${name}`, fs.readFileSync(path.join(packs, name))));
    for (const { name } of await store.list()) {
      const object = await store.read(name);
      write(path.join(unpacked, 'objects', name), object);
      if (name.includes('/packs/')) {
        dump(`remote/${name}`, contentsOf(object));
      }
    }
    assertNowhere(secrets, {
      texts: { stdout: app.stdout, stderr: app.stderr },
      folders: { 'cdk.out': app.outdir, cache: cacheDir, unpacked },
    });
    return app;
  };
  await synthesise({});
  assert.ok((await store.list()).length >= 3);
  const read = await synthesise({});
  assert.doesNotMatch(read.stderr, /warning/);
  // What a failure says.
  for (const broken of [
    { AWS_SECRET_ACCESS_KEY: 'wr0ng-secret-key' },
    { UV_LAMBDA_CDK_REMOTE_CACHE_KEY: 'wr0ng-signing-key' },
  ]) {
    secrets.push(...Object.values(broken));
    const { outdir } = await synthesise(broken);
    const texts = fs.readdirSync(outdir).filter((name) => name.endsWith('.json'));
    const said = texts.map((name) => fs.readFileSync(path.join(outdir, name), 'utf8')).join('');
    assert.match(said, /access denied|its signature is not that of/);
  }
  assert.ok(seen.size > 0);
  for (const line of seen) {
    assert.deepEqual(line.split('\0').slice(1).filter(Boolean), ['remote-cache-helper']);
  }
});

/** Runs the verb `cache` on a machine with a remote cache: `{ status, stdout, stderr }`. */
const cacheVerb = (env, cacheDir, ...words) =>
  cli(['cache', ...words, '--cache-dir', cacheDir], { env: { ...process.env, ...env } });

describe('the verb `cache`', () => {
  for (const [name, { skip }] of Object.entries(STORES).filter(([name]) => !name.startsWith('Google'))) {
    test(`fills, and empties, ${name}`, { skip }, async (t) => {
      const store = await startStore(t, name);
      const env = store.cacheAt();
      const filled = onNewMachine(t, fixture(t), { handler: HANDLER });
      await bundles(t, [filled]);
      assert.deepEqual(await store.list(), []);

      const push = (...words) => cacheVerb(env, filled.cacheDir, 'push', ...words);
      const { status, stdout, stderr } = push();
      assert.deepEqual([status, stderr], [0, '']);
      const list = await store.list();
      assert.equal(list.length, 5);
      assert.match(stdout, /^wrote 5 entries, .* (B|kB), into /);
      assert.deepEqual(push().stdout, stdout.replace(/5 entries, [^,]*/, '0 entries, 0 B'));
      assert.deepEqual(JSON.parse(push('--json').stdout), {
        remoteCache: env.UV_LAMBDA_CDK_REMOTE_CACHE,
        writtenEntries: 0,
        writtenBytes: 0,
      });
      await store.remove(list[0].name);
      assert.match(push().stdout, /^wrote 1 entry, /);

      const reader = onNewMachine(t, fixture(t), { handler: HANDLER });
      const read = await bundles(t, [reader], { env });
      assert.deepEqual([read.digests, read.warnings], [[digestOf(t, { handler: HANDLER })], []]);
      const { statistics } = JSON.parse(cacheVerb(env, reader.cacheDir, '--json').stdout);
      const { bytes, seconds, ...counts } = statistics.remote[env.UV_LAMBDA_CDK_REMOTE_CACHE];
      assert.deepEqual(counts, { hits: 5, misses: 0, sent: 0, bytesSent: 0 });
      assert.ok(bytes > 5000 && seconds > 0, JSON.stringify(statistics));
      assert.deepEqual([statistics.hits.bundles, statistics.misses.bundles], [0, 1]);
      const shown = cacheVerb(env, reader.cacheDir).stdout.split('\n');
      const at = shown.indexOf(env.UV_LAMBDA_CDK_REMOTE_CACHE);
      assert.match(shown[at + 1], /^ {2}hits {4}5 entries of .*, waited for \d+\.\d s$/);
      assert.deepEqual(shown.slice(at + 2, at + 4), ['  misses  0 entries', '  wrote   0 entries of 0 B']);

      const prune = (...words) => cacheVerb(env, filled.cacheDir, 'prune', '--remote', ...words);
      assert.deepEqual(prune('--unused-for', '1h'), { status: 0, stdout: 'removed 0 entries, 0 B\n', stderr: '' });
      await sleep(2100);
      const pruned = prune('--unused-for', '1s', '--json');
      assert.deepEqual([pruned.status, pruned.stderr], [0, '']);
      assert.equal(JSON.parse(pruned.stdout).removedEntries, 5);
      assert.deepEqual(await store.list(), []);
      assert.equal(fs.readdirSync(path.join(filled.cacheDir, 'v1/packs')).length, 3);
    });
  }

  test('fails where the store does', async (t) => {
    const store = await startStore(t);
    const { cacheDir, ...filled } = onNewMachine(t, fixture(t));
    await bundles(t, [{ ...filled, cacheDir }]);
    const prune = ['prune', '--remote', '--unused-for', '1h'];
    const dead = store.cacheAt(await refusedEndpoint());
    const denied = { ...store.cacheAt(), AWS_SECRET_ACCESS_KEY: 'wrong' };
    const elsewhere = { ...store.cacheAt() };
    elsewhere.UV_LAMBDA_CDK_REMOTE_CACHE = elsewhere.UV_LAMBDA_CDK_REMOTE_CACHE.replace('team-cache', 'no-such-bucket');
    for (const [env, words, text] of [
      [dead, ['push'], /onnection refused/],
      [dead, prune, /onnection refused/],
      [denied, ['push'], /access denied/],
      [denied, prune, /access denied/],
      // The server makes a bucket that is written to.
      [elsewhere, prune, /its address or its settings are wrong: .*NoSuchBucket/],
      [elsewhere, ['push'], /its address or its settings are wrong: .*NoSuchBucket/],
    ]) {
      const { status, stderr } = cacheVerb(env, cacheDir, ...words);
      assert.equal(status, 2, `${words[0]}: ${stderr}`);
      assert.match(stderr, /^warning\[REMOTE_CACHE_NOT_USABLE\]: /);
      assert.match(stderr, text);
    }
    const none = { UV_LAMBDA_CDK_REMOTE_CACHE: '' };
    for (const words of [['push'], prune]) {
      const { status, stderr } = cacheVerb(none, cacheDir, ...words);
      assert.equal(status, 2);
      assert.match(stderr, /^error\[INVALID_OPTIONS\]: there is no remote cache: name one in /);
    }
  });

  test('leaves ten thousand objects of others alone', async (t) => {
    const store = await startStore(t, 'a shared folder');
    const s3 = await startStore(t);
    for (const { list, write, cacheAt, count } of [
      { ...store, count: 10_000 },
      // More than a page of a listing.
      { ...s3, count: 1500 },
    ]) {
      const prefix = cacheAt === s3.cacheAt ? 'uv/cache/' : '';
      const names = Array.from(
        { length: count },
        (_, index) => [`others/${index}`, `${prefix}v1/packs/other-${index}`][index % 2],
      );
      for (let index = 0; index < names.length; index += 50) {
        await Promise.all(names.slice(index, index + 50).map((name) => write(name, 'x')));
      }
      const filled = onNewMachine(t, fixture(t));
      await bundles(t, [filled]);
      const env = cacheAt();
      assert.match(cacheVerb(env, filled.cacheDir, 'push').stdout, /^wrote 4 entries, /);
      assert.match(cacheVerb(env, filled.cacheDir, 'push').stdout, /^wrote 0 entries, /);
      await sleep(2100);
      const { status, stdout, stderr } = cacheVerb(env, filled.cacheDir, 'prune', '--remote', '--unused-for', '1s');
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^removed 4 entries, /);
      assert.equal((await list()).length, count);
    }
  });
});

describe('a process that ends', () => {
  /** Starts a bundle, and waits until the store got an upload that it does not answer. */
  const uploading = async (t) => {
    const store = await startStore(t);
    const proxy = await startFaultProxy(store);
    t.after(() => proxy.stop());
    proxy.setFault(noAnswer(({ method }) => method === 'PUT'));
    const { child, done } = startBundles(t, [onNewMachine(t, fixture(t))], {
      env: { ...store.cacheAt(proxy.endpoint), ...WRITES },
    });
    while (!proxy.requests.some(({ method }) => method === 'PUT')) {
      await sleep(20);
    }
    return { child, done };
  };
  for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM']) {
    test(`by ${signal} leaves no helper`, async (t) => {
      const { child, done } = await uploading(t);
      assert.equal(helpers().length, 1);
      child.kill(signal);
      assert.equal((await done).signal, signal);
      await assertNoHelper();
    });
  }

  test('gives up a helper that says nothing', async (t) => {
    const script = path.join(temporaryFolder(t), 'helper');
    write(script, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    const prologue = `
      require(${JSON.stringify(path.join(root, 'construct/core.js'))}).readyCore();
      require(${JSON.stringify(path.join(root, 'binding.js'))}).setExecutable(${JSON.stringify(script)});
    `;
    const env = { UV_LAMBDA_CDK_REMOTE_CACHE: `file://${temporaryFolder(t)}`, ...WRITES };
    const { digests, warnings, seconds } = await bundles(t, [onNewMachine(t, fixture(t))], { env, prologue });
    assert.deepEqual(digests, [digestOf(t)]);
    assert.equal(warnings.length, 1, JSON.stringify(warnings));
    assert.match(warnings[0].message, /is not used: its helper does not answer$/);
    assert.ok(seconds < 40, `${seconds} s`);
  });
});

test('two prefixes of a bucket, and none, know nothing of each other', async (t) => {
  const store = await startStore(t);
  for (const [prefix, start] of [
    ['', 'v1/'],
    ['one', 'one/v1/'],
    ['two/and three', 'two/and three/v1/'],
  ]) {
    const before = (await store.list()).map(({ name }) => name);
    const encoded = prefix.replace(' ', '%20');
    const env = { ...store.cacheAt(store.endpoint, encoded), ...WRITES };
    assert.deepEqual((await bundles(t, [onNewMachine(t, fixture(t))], { env })).warnings, []);
    const added = (await store.list()).map(({ name }) => name).filter((name) => !before.includes(name));
    assert.equal(added.length, 4, prefix);
    assert.ok(
      added.every((name) => name.startsWith(start)),
      added.join(),
    );
  }
});

test('a cache that can only be read costs one warning', withMount, async (t) => {
  const folder = fileSystem(t, 'size=50m');
  if (folder === undefined) {
    return;
  }
  const store = await startStore(t);
  const cacheDir = path.join(folder, 'cache');
  const workspace = fixture(t);
  const request = (packageName) => options(workspace, { packageName, cache: true, cacheDir });
  await bundles(t, [request('library')], { env: { ...store.cacheAt(), ...WRITES } });
  run('mount', ['-o', 'remount,ro', folder]);
  const { digests, warnings } = await bundles(t, [request('app')], { env: { ...store.cacheAt(), ...WRITES } });
  assert.deepEqual(digests, [digestOf(t)]);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['CACHE_NOT_USABLE'],
    JSON.stringify(warnings),
  );
});
