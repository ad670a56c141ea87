// Object stores on loopback, for tests of a team's cache: real servers, each in a process and a folder of its own.
//
// Every server ends with the test's process, however that ends: see `store-server-process.mjs`.

import { spawn } from 'node:child_process';
import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exchange } from './http.mjs';
import { PYTHON, installFromPyPI, root, run } from './tools.mjs';

/** The bucket, or container, of every store that has buckets. */
export const BUCKET = 'team-cache';

/** The region of the S3 stores. */
const REGION = 'eu-west-1';

/** A start takes a second or two; on a busy machine, Python's takes longer. */
const START_SECONDS = 60;

/** Installs a server into a folder below `.tools`, unless that was done. Returns the folder. */
function ensureInstalled(name, install) {
  const folder = path.join(root, '.tools', name);
  if (!fs.existsSync(folder)) {
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    // Another test may install the same server at this moment, and an installation may be interrupted.
    const unfinished = fs.mkdtempSync(`${folder}-unfinished-`);
    try {
      install(unfinished);
      if (!fs.existsSync(folder)) {
        fs.renameSync(unfinished, folder);
      }
    } finally {
      fs.rmSync(unfinished, { recursive: true, force: true });
    }
  }
  return folder;
}

const ensureFromPyPI = (name, version) =>
  ensureInstalled(`${name}-${version}`, (folder) => installFromPyPI(folder, [`${name}==${version}`]));

const ensureMinistack = () => ensureFromPyPI('ministack', '1.5.33');

/** Compiles a server of the crate s3s-fs: takes one to two minutes. */
const ensureOtherS3 = () =>
  // The newest version that the machine's Rust compiles.
  ensureInstalled('s3s-fs-0.14.0', (folder) => {
    const flags = ['--quiet', '--locked', '--features', 'binary', '--version', '=0.14.0'];
    // A release build takes three times as long.
    run('cargo', ['install', ...flags, '--debug', '--root', folder, 's3s-fs'], {
      env: { ...process.env, CARGO_PROFILE_DEV_DEBUG: '0' },
    });
  });

/** Installs every server, one after the other. Test files that run at the same time need not each install one then. */
export function installStores() {
  for (const install of [ensureMinistack, ensureOtherS3]) {
    install();
  }
}

/**
 * A port of loopback that is free. It is below the ports that systems give to clients and to servers that ask for any port, so
 * that none of those takes it before the server does.
 */
async function freePort() {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = net.createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) {
      return port;
    }
  }
}

/**
 * Starts a server and waits until it answers requests.
 *
 * @param commandFor the program and its arguments, from `(folder, port)`
 * @param env variables of the server, beside those of this process, from `(folder, port)`
 * @returns `{ origin, folder, stop }`: `stop()` ends the server and removes its folder
 */
async function startServer(commandFor, env = () => ({})) {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'uv-lambda-cdk-store-')));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'store-server-process.mjs');
  const keeper = spawn(process.execPath, [program, folder, ...commandFor(folder, port)], {
    // A signal from the terminal ends the tests, and then the keeper removes the folder.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, ...env(folder, port) },
  });
  const ended = once(keeper, 'exit');
  let complaint = '';
  keeper.stderr.setEncoding('utf8').on('data', (data) => (complaint += data));
  const stop = async () => {
    keeper.ref();
    keeper.stdin.end();
    await ended;
  };
  const deadline = Date.now() + START_SECONDS * 1000;
  while (keeper.exitCode === null) {
    try {
      await exchange(origin);
      // A test that forgets to stop a server ends nevertheless.
      for (const handle of [keeper, keeper.stdin, keeper.stderr]) {
        handle.unref();
      }
      return { origin, folder, stop };
    } catch (error) {
      if (Date.now() > deadline) {
        await stop();
        throw new Error(`no server answered within ${START_SECONDS} s: ${error.message}`);
      }
      await sleep(50);
    }
  }
  await once(keeper.stderr, 'close').catch(() => {});
  throw new Error(`the server did not start: ${complaint}`);
}

/** An answer of `exchange`, if it is a success. Otherwise throws the answer. */
function successful({ status, headers, body }) {
  if (status < 200 || status > 299) {
    throw new Error(`a store answered ${status}: ${body}`);
  }
  return { status, headers, body };
}

/** Encodes a text as every signature wants it: all but letters, digits and `-._~`. */
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const encodePath = (name) => name.split('/').map(encode).join('/');

const hmac = (key, text, encoding) => createHmac('sha256', key).update(text).digest(encoding);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The texts of an XML element, by its name, wherever it is. */
const elements = (xml, name) =>
  [...xml.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, 'g'))].map(([, text]) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  );

/** The headers of a request to S3, signed (AWS signature version 4). `query` is a list of `[name, value]`, sorted by name. */
function signedForS3({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }, { method, host, resource, query, body }) {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const headers = { host, 'x-amz-content-sha256': sha256(body), 'x-amz-date': time };
  const signed = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const request = [method, resource, queryText(query), lines.join(''), signed, sha256(body)].join('\n');
  const scope = [time.slice(0, 8), REGION, 's3', 'aws4_request'];
  const key = scope.reduce((secret, part) => hmac(secret, part), `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n'), 'hex');
  const credential = `${AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
  return { ...headers, authorization };
}

const queryText = (query) => query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');

/**
 * Sends signed requests to an S3 store, directly or through a proxy: `(method, name, { query, body, headers })`, where the name
 * is that of an object in the bucket, or '' for the bucket. Returns the answer as `exchange` does. `headers` are not signed.
 */
export function s3Client({ endpoint, environment }) {
  return (method, name, { query = [], body = Buffer.alloc(0), headers = {} } = {}) => {
    const resource = `/${BUCKET}${name && `/${encodePath(name)}`}`;
    const { host } = new URL(endpoint);
    const signed = signedForS3(environment, { method, host, resource, query, body });
    const url = `${endpoint}${resource}${query.length > 0 ? `?${queryText(query)}` : ''}`;
    return exchange(url, { method, headers: { ...signed, 'content-length': body.length, ...headers }, body });
  };
}

/** Credentials for an S3 store, as AWS's own chain reads them. */
const s3Environment = () => ({
  AWS_ACCESS_KEY_ID: `test${randomBytes(8).toString('hex')}`,
  AWS_SECRET_ACCESS_KEY: randomBytes(20).toString('hex'),
  AWS_REGION: REGION,
  // Nothing may look for the credentials of a machine in the cloud.
  AWS_EC2_METADATA_DISABLED: 'true',
});

/** Creates the bucket of an S3 server that was started, and describes the store. */
async function s3Store({ origin, stop }, environment) {
  const send = s3Client({ endpoint: origin, environment });
  const succeed = async (...request) => successful(await send(...request));
  const place = `<CreateBucketConfiguration><LocationConstraint>${REGION}</LocationConstraint></CreateBucketConfiguration>`;
  await succeed('PUT', '', { body: Buffer.from(place) });
  const list = async () => {
    const found = [];
    let token;
    do {
      const query = [...(token === undefined ? [] : [['continuation-token', token]]), ['list-type', '2']];
      const xml = (await succeed('GET', '', { query })).body.toString();
      for (const entry of elements(xml, 'Contents')) {
        found.push({ name: elements(entry, 'Key')[0], size: Number(elements(entry, 'Size')[0]) });
      }
      [token] = elements(xml, 'NextContinuationToken');
    } while (token !== undefined);
    return sorted(found);
  };
  return {
    endpoint: origin,
    bucket: BUCKET,
    region: REGION,
    environment,
    list,
    read: async (name) => (await succeed('GET', name)).body,
    write: async (name, bytes) => void (await succeed('PUT', name, { body: Buffer.from(bytes) })),
    remove: async (name) => void (await succeed('DELETE', name)),
    stop,
  };
}

const sorted = (objects) => objects.sort((left, right) => (left.name < right.name ? -1 : 1));

/** The environment of a Python server that is installed in a folder. */
const pythonEnvironment = (folder) => ({ PYTHONPATH: folder, PYTHONNOUSERSITE: '1', PYTHONUNBUFFERED: '1' });

/**
 * Starts S3 of ministack, an emulator of AWS. It does not check signatures.
 *
 * Every `start...` of this file returns `{ endpoint, environment, list, read, write, remove, stop }`, and what its service needs
 * beside that. `environment` has the credentials as the service's own chain reads them. `list()` is `[{ name, size }]`, sorted;
 * `read(name)` a Buffer; `write(name, bytes)` and `remove(name)` change the store from the outside; `stop()` ends the server.
 *
 * @returns beside that, `{ bucket, region }`
 */
export async function startMinistack() {
  const packages = ensureMinistack();
  const server = await startServer(
    () => [PYTHON, '-m', 'ministack'],
    (folder, port) => ({
      ...pythonEnvironment(packages),
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: REGION,
      SERVICES: 's3',
      STATE_DIR: path.join(folder, 'state'),
      S3_DATA_DIR: path.join(folder, 's3'),
      TMPDIR: folder,
    }),
  );
  return s3Store(server, s3Environment());
}

/**
 * Starts another S3 server, that of the crate s3s-fs. It checks signatures, and the hash of what is uploaded.
 *
 * @returns as `startMinistack` does
 */
export async function startOtherS3() {
  const packages = ensureOtherS3();
  const environment = s3Environment();
  const keys = ['--access-key', environment.AWS_ACCESS_KEY_ID, '--secret-key', environment.AWS_SECRET_ACCESS_KEY];
  const server = await startServer((folder, port) => {
    const objects = path.join(folder, 'objects');
    fs.mkdirSync(objects);
    return [path.join(packages, 'bin/s3s-fs'), '--host', '127.0.0.1', '--port', String(port), ...keys, objects];
  });
  return s3Store(server, environment);
}
