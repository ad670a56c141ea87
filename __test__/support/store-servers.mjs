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
import { write } from './files.mjs';
import { exchange } from './http.mjs';
import { WEBDAV_SERVER, whyNoWebdav } from './prepared.mjs';
import { listen } from './servers.mjs';
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
const ensureGcs = () => ensureFromPyPI('gcp-storage-emulator', '2026.7.19');

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

const ensureAzurite = () =>
  // The newest version that runs in Node 20.
  ensureInstalled('azurite-3.35.0', (folder) => {
    fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true }));
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--package-lock=false'];
    run('npm', ['install', ...flags, 'azurite@3.35.0'], { cwd: folder });
  });

/** Installs every server but that of WebDAV, one after the other. Test files that run at the same time need not each install one then. */
export function installStores() {
  for (const install of [ensureMinistack, ensureOtherS3, ensureAzurite, ensureGcs]) {
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

/**
 * Starts a WebDAV server, lighttpd, which demands HTTP basic authentication. `scripts/prepare-machine.mjs` unpacks it: see
 * `whyNoWebdav` in prepared.mjs.
 *
 * @returns as `startMinistack` does, and beside that `{ username, password, files }`: `files` is the folder that it serves, in
 *   which every object is a file. `environment` is empty, because WebDAV has no credentials of its own in the environment
 */
export async function startWebdav() {
  const reason = whyNoWebdav();
  if (reason !== undefined) {
    throw new Error(reason);
  }
  const username = 'ada.lovelace';
  const password = randomBytes(20).toString('hex');
  const usr = path.join(WEBDAV_SERVER, 'usr');
  const { origin, folder, stop } = await startServer(
    (folder, port) => {
      fs.mkdirSync(path.join(folder, 'files'));
      fs.mkdirSync(path.join(folder, 'uploads'));
      fs.writeFileSync(path.join(folder, 'users'), `${username}:${password}\n`);
      const settings = `
server.modules = ("mod_auth", "mod_authn_file", "mod_webdav")
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${folder}/files"
server.upload-dirs = ("${folder}/uploads")
# What a test changes in the folder is seen at once.
server.stat-cache-engine = "disable"
webdav.activate = "enable"
auth.backend = "plain"
auth.backend.plain.userfile = "${folder}/users"
auth.require = ("" => ("method" => "basic", "realm" => "team cache", "require" => "valid-user"))
`;
      const file = path.join(folder, 'settings');
      fs.writeFileSync(file, settings);
      return [path.join(usr, 'sbin/lighttpd'), '-D', '-f', file, '-m', path.join(usr, 'lib/lighttpd')];
    },
    // The libraries that Debian would have installed with it.
    () => ({ LD_LIBRARY_PATH: libraryFolders(path.join(usr, 'lib')).join(path.delimiter) }),
  );
  const files = path.join(folder, 'files');
  const names = () =>
    fs
      .readdirSync(files, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  return {
    endpoint: origin,
    username,
    password,
    files,
    environment: {},
    list: async () =>
      sorted(names().map((file) => ({ name: path.relative(files, file), size: fs.statSync(file).size }))),
    read: async (name) => fs.readFileSync(path.join(files, name)),
    write: async (name, bytes) => write(path.join(files, name), bytes),
    remove: async (name) => fs.rmSync(path.join(files, name)),
    stop,
  };
}

/** The folders of a Debian system's libraries, such as `lib/x86_64-linux-gnu`. */
const libraryFolders = (lib) =>
  fs
    .readdirSync(lib)
    .filter((name) => name.includes('-linux-'))
    .map((name) => path.join(lib, name));

/** Permission for everything in an account of Azure's storage, as a query (an account SAS). */
function azurePermission(account, key) {
  const [services, types, permissions, protocols, version] = ['b', 'sco', 'rwdlac', 'https,http', '2021-06-08'];
  const end = new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString().replace(/\.\d+/, '');
  const text = [account, permissions, services, types, '', end, '', protocols, version, '', ''].join('\n');
  const signature = hmac(Buffer.from(key, 'base64'), text, 'base64');
  const query = { sv: version, ss: services, srt: types, sp: permissions, se: end, spr: protocols, sig: signature };
  return queryText(Object.entries(query));
}

/**
 * Starts the blob storage of Azurite, Microsoft's emulator. It checks signatures.
 *
 * @returns as `startMinistack` does, and beside that `{ container, account, permission }`: the endpoint ends with the account, and
 *   `permission` is a query that may do everything
 */
export async function startAzurite() {
  const packages = ensureAzurite();
  const account = 'teamcache';
  const key = randomBytes(64).toString('base64');
  const program = path.join(packages, 'node_modules/azurite/dist/src/blob/main.js');
  const { origin, stop } = await startServer(
    (folder, port) => {
      const flags = ['--silent', '--disableTelemetry', '--skipApiVersionCheck'];
      return [process.execPath, program, ...flags, '--blobPort', String(port), '--location', folder];
    },
    () => ({ AZURITE_ACCOUNTS: `${account}:${key}` }),
  );
  const endpoint = `${origin}/${account}`;
  const permission = azurePermission(account, key);
  const send = async (method, name, { query = '', body = Buffer.alloc(0), headers = {} } = {}) => {
    const url = `${endpoint}/${BUCKET}${name && `/${encodePath(name)}`}?${query}${permission}`;
    return successful(await exchange(url, { method, body, headers: { 'content-length': body.length, ...headers } }));
  };
  await send('PUT', '', { query: 'restype=container&' });
  const list = async () => {
    const found = [];
    let marker = '';
    do {
      const query = `restype=container&comp=list&marker=${encode(marker)}&`;
      const xml = (await send('GET', '', { query })).body.toString();
      for (const entry of elements(xml, 'Blob')) {
        found.push({ name: elements(entry, 'Name')[0], size: Number(elements(entry, 'Content-Length')[0]) });
      }
      [marker] = elements(xml, 'NextMarker');
    } while (marker);
    return sorted(found);
  };
  const headers = { 'x-ms-blob-type': 'BlockBlob' };
  return {
    endpoint,
    container: BUCKET,
    account,
    permission,
    environment: { AZURE_STORAGE_ACCOUNT_NAME: account, AZURE_STORAGE_ACCOUNT_KEY: key },
    list,
    read: async (name) => (await send('GET', name)).body,
    write: async (name, bytes) => void (await send('PUT', name, { body: Buffer.from(bytes), headers })),
    remove: async (name) => void (await send('DELETE', name)),
    stop,
  };
}

/**
 * Starts an emulator of Google Cloud Storage. It does not check credentials, and ignores `ifGenerationMatch`: it replaces an object
 * that should have been written only if it was new. This process answers the request for a token, so
 * the client must not block its event loop.
 *
 * @returns as `startMinistack` does, and beside that `{ bucket }`
 */
export async function startGcs() {
  const packages = ensureGcs();
  const { origin, folder, stop } = await startServer(
    (folder, port) => {
      const flags = [
        '--host',
        '127.0.0.1',
        '--port',
        String(port),
        '--default-bucket',
        BUCKET,
        '--in-memory',
        '--quiet',
      ];
      return [PYTHON, '-m', 'gcp_storage_emulator', 'start', ...flags];
    },
    () => pythonEnvironment(packages),
  );
  const tokens = await listen((request, response) => {
    const token = { access_token: 'a-token', token_type: 'Bearer', expires_in: 3600 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
  });
  // The credentials of a job in continuous integration: its identity in a file, and an address that gives a token for it.
  const identity = path.join(folder, 'identity');
  fs.writeFileSync(identity, 'an-identity');
  const credentials = path.join(folder, 'credentials.json');
  const contents = {
    type: 'external_account',
    audience: 'test',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `http://${tokens.host}/token`,
    credential_source: { file: identity, format: { type: 'text' } },
  };
  fs.writeFileSync(credentials, JSON.stringify(contents));
  const send = async (method, resource, body = Buffer.alloc(0)) =>
    successful(await exchange(`${origin}/${resource}`, { method, body, headers: { 'content-length': body.length } }));
  const object = (name) => `storage/v1/b/${BUCKET}/o/${encode(name)}`;
  const list = async () => {
    const found = [];
    let token = '';
    do {
      const { body } = await send('GET', `storage/v1/b/${BUCKET}/o?pageToken=${encode(token)}`);
      const { items = [], nextPageToken } = JSON.parse(body);
      found.push(...items.map(({ name, size }) => ({ name, size: Number(size) })));
      token = nextPageToken;
    } while (token);
    return sorted(found);
  };
  return {
    endpoint: origin,
    bucket: BUCKET,
    environment: { GOOGLE_APPLICATION_CREDENTIALS: credentials },
    list,
    read: async (name) => (await send('GET', `${object(name)}?alt=media`)).body,
    write: async (name, bytes) => {
      const upload = `upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${encode(name)}`;
      await send('POST', upload, Buffer.from(bytes));
    },
    remove: async (name) => void (await send('DELETE', object(name))),
    stop: async () => {
      tokens.close();
      await stop();
    },
  };
}
