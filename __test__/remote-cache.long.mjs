// A remote cache with the real executable and real stores: what one machine made, no other makes again, and nothing that a store
// does makes a bundle wrong or keeps it waiting. `npm run build:remote-cache` makes the executable.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import {
  cutBody,
  cutUpload,
  flippedBit,
  lengthenedBody,
  noAnswer,
  otherContents,
  refusedEndpoint,
  shortenedBody,
  startFaultProxy,
  startSilentPort,
  status,
  wrongContentLength,
} from './support/fault-proxy.mjs';
import { temporaryFolder, writeAll } from './support/files.mjs';
import {
  STORES,
  WRITES,
  assertNoHelper,
  bundles,
  canTrace,
  onNewMachine,
  startStore,
  startedPrograms,
  uvWithLog,
} from './support/remote-caches.mjs';
import { writeSdist } from './support/sdists.mjs';
import { runAppWatched } from './support/synth.mjs';
import { interpreter, options, pythonVersion, uv } from './support/toolchain.mjs';
import { fixture, lock, manifest } from './support/workspaces.mjs';

const HANDLER = 'app.main.handler';
const MEMBERS = ['app', 'library', 'other'];

const expected = {};

/** The digest of the fixture's bundle without any cache. */
const digestOf = (t, others = {}) =>
  (expected[JSON.stringify(others)] ??= bundleSync(options(fixture(t), others), temporaryFolder(t)).sha256);

/** An app with a dependency that is there only as source. Its lock and the sdist are the same in every folder. */
function appWithSource(t) {
  const folder = path.join(temporaryFolder(t), 'app');
  writeAll(folder, {
    'pyproject.toml': manifest(
      'app',
      ['acme-words'],
      '[tool.uv.sources]\nacme-words = { path = "acme_words-1.0.tar.gz" }\n',
    ),
    'main.py': 'from acme_words import WORDS\n\ndef handler(event, context):\n    return WORDS\n',
  });
  writeSdist(folder, 'acme-words', { requires: ['hatchling==1.27.0'] });
  return lock(folder);
}

/** Another checkout of a project. */
function checkout(t, project) {
  const folder = path.join(temporaryFolder(t), 'another', 'checkout');
  fs.cpSync(project, folder, { recursive: true });
  return folder;
}

/** Fails if a process was started for something that the store has: uv may say its version, and Python what it is. */
function assertOnlyQuestions(commands, trace) {
  assert.deepEqual(
    commands.filter((command) => command !== '--version' && !command.startsWith('python find')),
    [],
  );
  const known = [
    /^\/bin\/sh "\/bin\/sh", "-c", "\\?# The watchdog/,
    /uv "[^"]*"\S*, "--version"/,
    /, "-I", "-S", "-c", "import sys, platform; /,
    /, "remote-cache-helper"$/,
  ];
  const others = trace === undefined ? [] : startedPrograms(trace).map(({ program, args }) => `${program} ${args}`);
  assert.deepEqual(
    others.filter((line) => !known.some((pattern) => pattern.test(line))),
    [],
  );
}

/** Builds requests on a first machine that writes, and on a second one that reads. `requestsOf(machine)` are the options. */
async function assertShared(t, env, requestsOf, { door, mayWarn } = {}) {
  const unexpected = ({ warnings }) => warnings.filter(({ message }) => !mayWarn?.test(message));
  const first = await bundles(t, requestsOf({ cacheDir: temporaryFolder(t), uv }, 0), {
    env: { ...env, ...WRITES },
    door,
  });
  assert.deepEqual(unexpected(first), []);
  const log = uvWithLog(t);
  const trace = canTrace ? path.join(temporaryFolder(t), 'trace') : undefined;
  const second = await bundles(t, requestsOf({ cacheDir: temporaryFolder(t), uv: log.uv }, 1), { env, door, trace });
  assert.deepEqual(second.digests, first.digests);
  assert.deepEqual(unexpected(second), []);
  assertOnlyQuestions(log.commands(), trace);
  return first.digests;
}

for (const [name, { skip, mayWarn }] of Object.entries(STORES)) {
  describe(`two machines that share ${name}`, { skip }, () => {
    test('make a function once', async (t) => {
      const store = await startStore(t, name);
      const digests = await assertShared(
        t,
        store.cacheAt(),
        (machine) => [options(fixture(t), { handler: HANDLER, cache: true, ...machine })],
        { mayWarn },
      );
      assert.deepEqual(digests, [digestOf(t, { handler: HANDLER })]);
    });

    test('make a package once that is there only as source', async (t) => {
      const store = await startStore(t, name);
      const project = appWithSource(t);
      await assertShared(
        t,
        store.cacheAt(),
        (machine) => [options(checkout(t, project), { handler: 'main.handler', cache: true, ...machine })],
        { mayWarn },
      );
    });

    test('make all functions once', async (t) => {
      const store = await startStore(t, name);
      const digests = await assertShared(
        t,
        store.cacheAt(),
        (machine) => {
          const workspace = fixture(t);
          return MEMBERS.map((packageName) => options(workspace, { packageName, cache: true, ...machine }));
        },
        { mayWarn, door: 'bundleAll' },
      );
      assert.deepEqual(
        digests,
        MEMBERS.map((packageName) => digestOf(t, { packageName })),
      );
    });
  });
}

test('a CDK app makes nothing that another machine made', async (t) => {
  const store = await startStore(t);
  const synthesise = async (uvOfMachine, others) => {
    const folder = fixture(t);
    const functions = `{ Fn: { path: ${JSON.stringify(folder)}, packageName: 'app', handler: '${HANDLER}', runtime: new lambda.Runtime('python${pythonVersion}', lambda.RuntimeFamily.PYTHON), bundling: { uv: ${JSON.stringify(uvOfMachine)}, python: ${JSON.stringify(interpreter)} } } }`;
    const env = { ...process.env, ...store.cacheAt(), UV_LAMBDA_CDK_CACHE_DIR: temporaryFolder(t), ...others };
    const result = await runAppWatched(t, { functions, synthesise: true, env }, () => {});
    assert.equal(result.status, 0, result.stderr);
    return result;
  };
  const first = await synthesise(uv, WRITES);
  const log = uvWithLog(t);
  const second = await synthesise(log.uv, {});
  assert.deepEqual(second.template, first.template);
  assert.doesNotMatch(first.stderr + second.stderr, /warning/);
  assertOnlyQuestions(log.commands());
});

describe('requests', () => {
  /** A store that a first machine filled, with a proxy before it. */
  const prepare = async (t) => {
    const store = await startStore(t);
    const proxy = await startFaultProxy(store);
    t.after(() => proxy.stop());
    const env = store.cacheAt(proxy.endpoint);
    const workspace = fixture(t);
    const request = onNewMachine(t, workspace, { handler: HANDLER });
    await bundles(t, [request], { env: { ...env, ...WRITES } });
    const during = async (requests, variables = {}) => {
      const before = proxy.requests.length;
      const { warnings } = await bundles(t, requests, { env: { ...env, ...variables } });
      assert.deepEqual(warnings, []);
      return proxy.requests
        .slice(before)
        .map(({ method, path }) => ({ method, object: path.split('?')[0].split('/v1/')[1] }));
    };
    return { store, workspace, request, during };
  };
  const methodsOf = (requests) => [...new Set(requests.map(({ method }) => method))];

  test('only read if nothing else was asked for', async (t) => {
    const { store, during, workspace } = await prepare(t);
    const [object] = await store.list();
    const inventory = JSON.stringify(await store.list());
    // Something is missing, so the reader makes it.
    await store.remove(object.name);
    const requests = await during([onNewMachine(t, workspace, { handler: HANDLER })]);
    assert.ok(requests.length >= 5, JSON.stringify(requests));
    assert.deepEqual(
      methodsOf(requests).filter((method) => !['GET', 'HEAD'].includes(method)),
      [],
    );
    assert.equal((await store.list()).length, JSON.parse(inventory).length - 1);
  });

  test('are not sent while nothing changed', async (t) => {
    const { during, request } = await prepare(t);
    assert.deepEqual(await during([request]), []);
    assert.deepEqual(await during([request], WRITES), []);
  });

  test('are only for what is new after a change', async (t) => {
    const { during, request, workspace, store } = await prepare(t);
    const before = (await store.list()).map(({ name }) => name);
    fs.appendFileSync(path.join(workspace, 'packages/app/src/app/main.py'), '\nCHANGED = True\n');
    const requests = await during([request], WRITES);
    const objectsOf = (verb) =>
      requests
        .filter(({ method }) => method === verb)
        .map(({ object }) => object)
        .sort();
    // The pack of the function's package and the check of its handler; the lock and the other packs did not change.
    const kinds = objectsOf('PUT').map((object) => object.split('/')[0]);
    assert.deepEqual(kinds, ['facts', 'packs']);
    assert.deepEqual([...new Set(objectsOf('GET'))], objectsOf('PUT'));
    const added = (await store.list()).map(({ name }) => name).filter((name) => !before.includes(name));
    assert.deepEqual(
      added.map((name) => name.split('/v1/')[1]),
      objectsOf('PUT'),
    );
    assert.deepEqual(await during([request], WRITES), []);
  });
});

/** Files that a process began to write and did not finish, below a folder. */
const unfinished = (folder) =>
  fs.readdirSync(folder, { recursive: true }).filter((name) => path.basename(name).startsWith('.unfinished'));

const isRead = ({ method }) => method === 'GET';
const isUpload = ({ method }) => method === 'PUT';

/** A fault of a part of an answer: the bit of one byte, counted from the begin or, where it is negative, from the end. */
const flippedAt = (at, matches) => {
  const fault = flippedBit(matches);
  return {
    ...fault,
    apply: async (exchange) =>
      fault.apply({
        ...exchange,
        ask: async () => {
          const answer = await exchange.ask();
          const body = Buffer.from(answer.body);
          const middle = Math.floor(body.length / 2);
          // `flippedBit` flips the middle back.
          body[middle] ^= 1;
          body[at < 0 ? body.length + at : at] ^= 1;
          return { ...answer, body };
        },
      }),
  };
};

const NOT_USABLE = 'REMOTE_CACHE_NOT_USABLE';
const REFUSED = 'REMOTE_CACHE_OBJECT_REFUSED';
const DAMAGED = /was not read: it is damaged, or is not the object of this name/;

/** The faults of a read: the fault, the code of the warning, its text. */
const READS = {
  'a body that is cut': [cutBody(isRead), NOT_USABLE, /was not read: it failed: /],
  'a length that is too large': [wrongContentLength(7, isRead), NOT_USABLE, /was not read: it failed: /],
  'a length that is too small': [wrongContentLength(-7, isRead), REFUSED, DAMAGED],
  'a part of an object': [shortenedBody(7, isRead), REFUSED, DAMAGED],
  'more than an object': [lengthenedBody(7, isRead), REFUSED, DAMAGED],
  'an empty object': [otherContents('', isRead), REFUSED, DAMAGED],
  'a bit in the magic': [flippedAt(0, isRead), REFUSED, DAMAGED],
  'a bit in the digest': [flippedAt(20, isRead), REFUSED, DAMAGED],
  'a bit in the contents': [flippedBit(isRead), REFUSED, DAMAGED],
  'a bit at the end': [flippedAt(-1, isRead), REFUSED, DAMAGED],
  'status 403': [
    status(403, {}, isRead),
    NOT_USABLE,
    /was not read \(a reader has to read and to list: .*\): access denied: /,
  ],
  'status 404': [status(404, {}, isRead)],
  'status 500': [status(500, {}, isRead), NOT_USABLE, /it failed: /],
  'status 503, with Retry-After': [
    status(503, { 'Retry-After': '120' }, isRead),
    NOT_USABLE,
    /it failed: |too many requests/,
  ],
  'no answer': [noAnswer(isRead), NOT_USABLE, /is not used for now: it failed: /],
};

/** Builds all members, one after the other, on a new machine. */
async function buildAll(t, env, others = {}) {
  const workspace = fixture(t);
  const cacheDir = temporaryFolder(t);
  const requests = MEMBERS.map((packageName) => options(workspace, { packageName, cache: true, cacheDir, ...others }));
  const result = await bundles(t, requests, { env });
  assert.deepEqual(
    result.digests,
    MEMBERS.map((packageName) => digestOf(t, { packageName })),
  );
  assert.deepEqual(unfinished(cacheDir), []);
  return { ...result, cacheDir };
}

function assertWarnings({ warnings }, code, text) {
  assert.deepEqual(
    warnings.map((warning) => warning.code),
    code === undefined ? [] : [code],
    JSON.stringify(warnings, null, 2),
  );
  if (code !== undefined) {
    assert.match(warnings[0].message, text);
    assert.ok(warnings[0].message.length < 500, warnings[0].message);
  }
}

test('a store that fails while it is read costs one warning', async (t) => {
  const store = await startStore(t);
  await buildAll(t, { ...store.cacheAt(), ...WRITES });
  const withProxy = async (t) => {
    const proxy = await startFaultProxy(store);
    t.after(() => proxy.stop());
    return { proxy, env: store.cacheAt(proxy.endpoint) };
  };

  for (const [name, [fault, code, text]] of Object.entries(READS)) {
    await t.test(name, async (t) => {
      const { proxy, env } = await withProxy(t);
      proxy.setFault(fault);
      assertWarnings(await buildAll(t, env), code, text);
      await assertNoHelper();
      proxy.setFault();
      const before = proxy.requests.length;
      assertWarnings(await buildAll(t, env));
      assert.ok(proxy.requests.length > before);
    });
  }

  await t.test('the contents of another object', async (t) => {
    const { proxy, env } = await withProxy(t);
    const pack = (await store.list()).map(({ name }) => name).find((name) => name.includes('/packs/'));
    const isOther = ({ method, path }) => method === 'GET' && path.includes('/packs/') && !path.includes(pack);
    proxy.setFault(otherContents(await store.read(pack), isOther));
    assertWarnings(await buildAll(t, env), REFUSED, DAMAGED);
  });

  await t.test('a refused connection', async (t) => {
    const result = await buildAll(t, store.cacheAt(await refusedEndpoint()));
    assertWarnings(result, NOT_USABLE, /is not used for now: it failed: .*[Cc]onnection refused/);
  });

  await t.test('a port that is silent', async (t) => {
    const silent = await startSilentPort();
    t.after(() => silent.stop());
    assertWarnings(await buildAll(t, store.cacheAt(silent.endpoint)), NOT_USABLE, /is not used for now: it failed: /);
  });
});

test('a dead store costs two seconds at most, for twenty bundles', async (t) => {
  const store = await startStore(t);
  const silent = await startSilentPort();
  t.after(() => silent.stop());
  // Twenty functions of one member: each has another handler.
  const timed = async (env) => {
    const workspace = fixture(t);
    const names = Array.from({ length: 20 }, (_, index) => `function_${index}`);
    const functions = names.map((name) => `def ${name}(event, context):\n    return 1\n`).join('');
    fs.appendFileSync(path.join(workspace, 'packages/app/src/app/main.py'), functions);
    const cacheDir = temporaryFolder(t);
    const requests = names.map((name) => options(workspace, { handler: `app.main.${name}`, cache: true, cacheDir }));
    return bundles(t, requests, { env });
  };
  await timed({}); // Fills the caches of the system.
  const without = await timed({});
  for (const endpoint of [silent.endpoint, await refusedEndpoint()]) {
    const dead = await timed({ ...store.cacheAt(endpoint), ...WRITES });
    assert.deepEqual(dead.digests, without.digests);
    assertWarnings(dead, NOT_USABLE, /is not used for now/);
    const more = dead.seconds - without.seconds;
    assert.ok(more < 2, `${more} s more than ${without.seconds} s`);
  }
});

/** The faults of a write. */
const UPLOADS = {
  'status 403': [status(403, {}, isUpload), NOT_USABLE, /was not written: access denied/],
  'status 404': [status(404, {}, isUpload), NOT_USABLE, /was not written: /],
  'status 500': [status(500, {}, isUpload), NOT_USABLE, /was not written: it failed: /],
  'status 503, with Retry-After': [status(503, { 'Retry-After': '120' }, isUpload), NOT_USABLE, /was not written: /],
  'an upload that is cut': [cutUpload(isUpload), NOT_USABLE, /was not written: it failed: /],
  'no answer within the upload time': [
    noAnswer(isUpload),
    'AT_THE_END',
    /were not written within 2 s: set `UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME` to more seconds/,
  ],
};

describe('a store that fails while it is written costs one warning', () => {
  for (const [name, [fault, , text]] of Object.entries(UPLOADS)) {
    test(name, async (t) => {
      const store = await startStore(t);
      const proxy = await startFaultProxy(store);
      t.after(() => proxy.stop());
      const env = { ...store.cacheAt(proxy.endpoint), ...WRITES, UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME: '2' };
      proxy.setFault(fault);
      const start = performance.now();
      const { warnings, seconds } = await buildAll(t, env);
      assert.equal(warnings.length, 1, JSON.stringify(warnings, null, 2));
      assert.match(warnings[0].message, text);
      const atEnd = (performance.now() - start) / 1000 - seconds;
      assert.ok(atEnd < 10, `${atEnd} s`);
      assert.deepEqual(await store.list(), []);
      await assertNoHelper();
      // The next machine writes what this one could not.
      proxy.setFault();
      assertWarnings(await buildAll(t, env));
      const list = await store.list();
      assert.ok(list.length > 3);
      assertWarnings(await buildAll(t, store.cacheAt()));
    });
  }
});
