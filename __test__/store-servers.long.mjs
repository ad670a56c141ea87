// The object stores and the fault proxy that the tests of a team's cache use: that they store, refuse and break what they say.

import * as assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cutBody,
  cutUpload,
  firstTimes,
  flippedBit,
  lengthenedBody,
  lostAnswer,
  noAnswer,
  otherContents,
  refusedEndpoint,
  shortenedBody,
  startFaultProxy,
  startFaultProxyProcess,
  startSilentPort,
  status,
  wrongContentLength,
} from './support/fault-proxy.mjs';
import { exchange } from './support/http.mjs';
import { whyNoWebdav } from './support/prepared.mjs';
import {
  s3Client,
  startAzurite,
  startGcs,
  startMinistack,
  startOtherS3,
  startWebdav,
} from './support/store-servers.mjs';

/** Names that need to be encoded in addresses, in signatures and in listings. */
const NAME = 'bundles/a b+c&ü(1)*.zip';
const BYTES = randomBytes(100_000);

/** Starts a store and a proxy before it, for the time of a test. */
async function startBoth(test, start) {
  const store = await start();
  test.after(() => store.stop());
  const proxy = await startFaultProxy(store);
  test.after(() => proxy.stop());
  return { store, proxy };
}

/**
 * Looks at a store from the outside and through the proxy: `put(name, body)`, `get(name)` and `remove(name)` return
 * answers as `exchange` does.
 */
async function assertStores({ store, proxy, put, get, remove }) {
  assert.deepEqual(await store.list(), []);
  assert.equal((await get(NAME)).status, 404);
  assert.ok([200, 201].includes((await put(NAME, BYTES)).status));
  assert.deepEqual(await store.list(), [{ name: NAME, size: BYTES.length }]);
  assert.deepEqual((await get(NAME)).body, BYTES);
  assert.deepEqual(await store.read(NAME), BYTES);
  await store.write('other', 'written from the outside');
  assert.equal(String((await get('other')).body), 'written from the outside');
  await store.remove(NAME);
  assert.equal((await get(NAME)).status, 404);
  assert.ok([200, 202, 204].includes((await remove('other')).status));
  assert.deepEqual(await store.list(), []);
  assert.equal(proxy.requests.at(-1).method, 'DELETE');
}

/** What `assertStores` needs for an S3 store. */
function throughS3({ store, proxy }) {
  const send = s3Client({ ...store, endpoint: proxy.endpoint });
  const put = (name, body) => send('PUT', name, { body });
  return { store, proxy, put, get: (name) => send('GET', name), remove: (name) => send('DELETE', name) };
}

for (const [name, start] of Object.entries({ ministack: startMinistack, 's3s-fs': startOtherS3 })) {
  test(`${name} stores objects`, async (t) => {
    await assertStores(throughS3(await startBoth(t, start)));
  });

  test(`${name} lists more than a page, and writes only what is new`, async (t) => {
    const { store, proxy } = await startBoth(t, start);
    const names = Array.from({ length: 1010 }, (_, index) => `object-${String(index).padStart(4, '0')}`);
    for (const name of names) {
      await store.write(name, name);
    }
    assert.deepEqual(
      (await store.list()).map(({ name }) => name),
      names,
    );
    const send = s3Client({ ...store, endpoint: proxy.endpoint });
    const headers = { 'if-none-match': '*' };
    assert.equal((await send('PUT', names[0], { body: BYTES, headers })).status, 412);
    assert.equal((await send('PUT', 'new', { body: BYTES, headers })).status, 200);
  });
}

test('s3s-fs refuses a signature that is wrong', async (t) => {
  const { store, proxy } = await startBoth(t, startOtherS3);
  const environment = { ...store.environment, AWS_SECRET_ACCESS_KEY: 'another' };
  const send = s3Client({ environment, endpoint: proxy.endpoint });
  assert.equal((await send('GET', NAME)).status, 403);
});

test('lighttpd stores files', { skip: whyNoWebdav() }, async (t) => {
  const { store, proxy } = await startBoth(t, startWebdav);
  const authorization = `Basic ${Buffer.from(`${store.username}:${store.password}`).toString('base64')}`;
  const send = (method, name, { body, headers = {} } = {}) =>
    exchange(`${proxy.endpoint}/${encodeURI(name)}`, { method, body, headers: { authorization, ...headers } });
  assert.equal((await exchange(`${proxy.endpoint}/`)).status, 401);
  assert.equal((await send('PUT', NAME, { body: BYTES })).status, 409, 'its folder is missing');
  assert.equal((await send('MKCOL', 'bundles/')).status, 201);
  const put = (name, body) => send('PUT', name, { body });
  const remove = (name) => send('DELETE', name);
  await assertStores({ store, proxy, put, remove, get: (name) => send('GET', name) });

  await put('new', BYTES);
  const { status: found, body: listing } = await send('PROPFIND', '', { headers: { depth: '1' } });
  assert.equal(found, 207);
  assert.match(String(listing), /<D:href>\/new<\/D:href>[^]*<D:getcontentlength>100000</);
  // The address that a file moves to is that of the proxy, as the client knows no other.
  const destination = `${proxy.endpoint}/bundles/moved`;
  assert.equal((await send('MOVE', 'new', { headers: { destination } })).status, 201);
  assert.deepEqual(await store.read('bundles/moved'), BYTES);
  const onlyNew = { headers: { 'if-none-match': '*' }, body: 'another' };
  assert.equal((await send('PUT', 'bundles/moved', onlyNew)).status, 412);
  assert.equal((await send('PUT', 'bundles/new', onlyNew)).status, 201);
});

test('Azurite stores blobs', async (t) => {
  const { store, proxy } = await startBoth(t, startAzurite);
  const send = (method, name, { body, headers = {}, permission = store.permission } = {}) =>
    exchange(`${proxy.endpoint}/${store.container}/${encodeURIComponent(name)}?${permission}`, {
      method,
      body,
      headers,
    });
  const type = { 'x-ms-blob-type': 'BlockBlob' };
  const put = (name, body) => send('PUT', name, { body, headers: type });
  const remove = (name) => send('DELETE', name);
  await assertStores({ store, proxy, put, remove, get: (name) => send('GET', name) });

  const onlyNew = { headers: { ...type, 'if-none-match': '*' }, body: BYTES };
  assert.equal((await send('PUT', NAME, onlyNew)).status, 201);
  assert.equal((await send('PUT', NAME, onlyNew)).status, 409);
  const permission = store.permission.replace(/sig=.{4}/, 'sig=AAAA');
  assert.equal((await send('GET', NAME, { permission })).status, 403);
});

test("Google's emulator stores objects", async (t) => {
  const { store, proxy } = await startBoth(t, startGcs);
  const object = (name) => `${proxy.endpoint}/storage/v1/b/${store.bucket}/o/${encodeURIComponent(name)}`;
  const put = (name, body) => {
    const query = `uploadType=media&name=${encodeURIComponent(name)}`;
    return exchange(`${proxy.endpoint}/upload/storage/v1/b/${store.bucket}/o?${query}`, { method: 'POST', body });
  };
  const get = (name) => exchange(`${object(name)}?alt=media`);
  const remove = (name) => exchange(object(name), { method: 'DELETE' });
  await assertStores({ store, proxy, put, remove, get });

  const credentials = JSON.parse(fs.readFileSync(store.environment.GOOGLE_APPLICATION_CREDENTIALS, 'utf8'));
  const { body } = await exchange(credentials.token_url, { method: 'POST', body: 'grant_type=test' });
  assert.equal(JSON.parse(body).token_type, 'Bearer');
});

test('two servers of a kind know nothing of each other', async (t) => {
  const [one, other] = await Promise.all([startOtherS3(), startOtherS3()]);
  t.after(() => Promise.all([one.stop(), other.stop()]));
  await one.write(NAME, BYTES);
  assert.deepEqual(await other.list(), []);
});

test('a server ends with the process that started it, and its folder too', async () => {
  const module = new URL('support/store-servers.mjs', import.meta.url);
  const script = `
    const { startOtherS3 } = await import('${module}');
    console.log((await startOtherS3()).endpoint);
    setInterval(() => {}, 1000);`;
  const folder = fs.mkdtempSync(`${os.tmpdir()}/uv-lambda-cdk-test-`);
  const tests = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  const [endpoint] = await once(tests.stdout.setEncoding('utf8'), 'data');
  await exchange(endpoint.trim());
  tests.kill('SIGKILL');
  const deadline = Date.now() + 10_000;
  while (fs.readdirSync(folder).length > 0 && Date.now() < deadline) {
    await sleep(20);
  }
  assert.deepEqual(fs.readdirSync(folder), []);
  await assert.rejects(exchange(endpoint.trim()), { code: 'ECONNREFUSED' });
  fs.rmdirSync(folder);
});

describe('the proxy', () => {
  /** Sends a GET through a proxy with faults to a store that has the object, and returns the answer as `exchange` does. */
  const through = async (t, ...faults) => {
    const { store, proxy } = await startBoth(t, startOtherS3);
    await store.write(NAME, BYTES);
    proxy.setFault(...faults);
    const send = s3Client({ ...store, endpoint: proxy.endpoint });
    return { store, proxy, send, answer: send('GET', NAME) };
  };

  test('cuts a body', async (t) => {
    const { answer, proxy } = await through(t, cutBody());
    await assert.rejects(answer, { code: 'ECONNRESET' });
    assert.equal(proxy.requests[0].status, 200);
  });

  test('tells a wrong length', async (t) => {
    const { answer, proxy, send } = await through(t, wrongContentLength(7));
    await assert.rejects(answer, { code: 'ECONNRESET' });
    proxy.setFault(wrongContentLength(-7));
    // The client may get the first bytes, or an error because of the last ones.
    const { body = BYTES.subarray(0, -7) } = await send('GET', NAME).catch(() => ({}));
    assert.deepEqual(body, BYTES.subarray(0, -7));
  });

  test('shortens and lengthens a body', async (t) => {
    const { answer, proxy, send } = await through(t, shortenedBody(7));
    assert.deepEqual((await answer).body, BYTES.subarray(0, -7));
    proxy.setFault(lengthenedBody(7));
    assert.deepEqual((await send('GET', NAME)).body, Buffer.concat([BYTES, Buffer.from('xxxxxxx')]));
  });

  test('flips a bit', async (t) => {
    const { body } = await (await through(t, flippedBit())).answer;
    assert.deepEqual(
      [...body.keys()].filter((index) => body[index] !== BYTES[index]),
      [BYTES.length / 2],
    );
  });

  test('answers with a status', async (t) => {
    const { answer, proxy, store, send } = await through(t, status(503, { 'Retry-After': '1' }));
    const { status: first, headers } = await answer;
    assert.deepEqual([first, headers['retry-after']], [503, '1']);
    for (const code of [403, 404, 500]) {
      proxy.setFault(status(code));
      assert.equal((await send('PUT', 'new', { body: BYTES })).status, code);
    }
    assert.equal((await store.list()).length, 1);
    proxy.setFault();
    assert.equal((await send('GET', NAME)).status, 200);
    assert.deepEqual(
      proxy.requests.map(({ method, status }) => `${method} ${status}`),
      ['GET 503', 'PUT 403', 'PUT 404', 'PUT 500', 'GET 200'],
    );
  });

  test('does not answer', async (t) => {
    const { answer, proxy } = await through(t, noAnswer());
    assert.equal(await Promise.race([answer, sleep(300, 'nothing')]), 'nothing');
    assert.deepEqual(
      proxy.requests.map(({ method, status }) => [method, status]),
      [['GET', undefined]],
    );
    proxy.stop();
    await assert.rejects(answer);
  });

  test('loses an answer, and cuts an upload', async (t) => {
    const { answer, proxy, send, store } = await through(t, lostAnswer());
    await assert.rejects(answer);
    await assert.rejects(send('PUT', 'lost', { body: BYTES }));
    assert.deepEqual(await store.read('lost'), BYTES);
    proxy.setFault(cutUpload());
    await assert.rejects(send('PUT', 'cut', { body: BYTES }));
    assert.equal((await store.list()).length, 2);
  });

  test('answers with the contents of another object', async (t) => {
    const { answer, proxy, store, send } = await through(t);
    await store.write('other', 'of the other');
    assert.deepEqual((await answer).body, BYTES);
    proxy.setFault(otherContents(await store.read('other')));
    const { body, headers } = await send('GET', NAME);
    assert.deepEqual([String(body), headers['content-length'], headers.etag], ['of the other', '12', undefined]);
    assert.equal((await send('GET', 'missing')).status, 404);
  });

  test('breaks only what matches, and only as often as it is told', async (t) => {
    const isPut = ({ method, path }) => method === 'PUT' && path.includes('bundles');
    const { answer, send } = await through(t, firstTimes(2, status(500, {}, isPut)), status(403, {}, isPut));
    assert.equal((await answer).status, 200);
    const statuses = [];
    for (let time = 0; time < 3; time += 1) {
      statuses.push((await send('PUT', NAME, { body: BYTES })).status);
    }
    assert.deepEqual(statuses, [500, 500, 403]);
    assert.equal((await send('PUT', 'elsewhere', { body: BYTES })).status, 200);
  });

  test('adds latency to each request, not to their sum', async (t) => {
    const { answer, proxy, send } = await through(t);
    await answer;
    proxy.setLatency(300);
    const start = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => send('GET', NAME)));
    const taken = performance.now() - start;
    assert.ok(taken >= 300 && taken < 1200, `${taken} ms`);
  });

  test('says that the store is gone', async (t) => {
    const { store, proxy, send, answer } = await through(t);
    await answer;
    await store.stop();
    assert.equal((await send('GET', NAME)).status, 502);
    assert.equal(proxy.requests.at(-1).status, 502);
  });
});

test('a proxy in a process of its own serves a caller that blocks', async (t) => {
  const store = await startOtherS3();
  t.after(() => store.stop());
  const proxy = await startFaultProxyProcess(store, { latency: 200 });
  t.after(() => proxy.stop());
  const script = `fetch('${proxy.endpoint}/team-cache').then(({ status }) => console.log(status))`;
  const start = performance.now();
  const { stdout } = spawnSync(process.execPath, ['--eval', script], { encoding: 'utf8' });
  assert.equal(stdout, '403\n');
  assert.ok(performance.now() - start >= 200);
  assert.deepEqual(proxy.requests(), [{ method: 'GET', path: '/team-cache', status: 403 }]);
});

test('a port refuses, and another one is silent', async (t) => {
  await assert.rejects(exchange(await refusedEndpoint()), { code: 'ECONNREFUSED' });
  const silent = await startSilentPort();
  t.after(() => silent.stop());
  const answer = exchange(silent.endpoint);
  assert.equal(await Promise.race([answer, sleep(300, 'nothing')]), 'nothing');
  silent.stop();
  await assert.rejects(answer);
});
