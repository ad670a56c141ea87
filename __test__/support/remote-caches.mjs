// Remote caches for tests: the stores that a team can share, addresses and credentials of each, processes that bundle with one,
// and the format of what lies in it.

import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { temporaryFolder, write } from './files.mjs';
import { whyNoWebdav } from './prepared.mjs';
import { startAzurite, startGcs, startMinistack, startOtherS3, startWebdav } from './store-servers.mjs';
import { options, uv } from './toolchain.mjs';
import { hasProgram, root } from './tools.mjs';

const withEndpoint = (endpoint) => `endpoint=${encodeURIComponent(endpoint)}`;

const addressInS3 = ({ bucket, region }, endpoint, prefix) =>
  `s3://${bucket}/${prefix}?region=${region}&${withEndpoint(endpoint)}`;

/** A shared folder, as the servers of `store-servers.mjs`. Its name has what an address has to encode. */
function startFolder() {
  const outer = fs.mkdtempSync(path.join(os.tmpdir(), 'uv-lambda-cdk-shared-'));
  const folder = path.join(outer, 'a b', 'ü#?');
  fs.mkdirSync(folder, { recursive: true });
  const names = () =>
    fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
      .sort();
  return {
    folder,
    environment: {},
    list: async () => names().map((name) => ({ name, size: fs.statSync(path.join(folder, name)).size })),
    read: async (name) => fs.readFileSync(path.join(folder, name)),
    write: async (name, bytes) => write(path.join(folder, name), bytes),
    remove: async (name) => fs.rmSync(path.join(folder, name)),
    stop: async () => fs.rmSync(outer, { recursive: true, force: true }),
  };
}

/**
 * The stores, by name: `start()` is that of `store-servers.mjs`; `address(store, endpoint, prefix)` is the address of the remote
 * cache, where the endpoint is that of the store or of a proxy before it; `environment(store)` are the variables beside those
 * of the store; `mayWarn` matches a warning that its emulator causes; `skip` says why it cannot be started here.
 */
export const STORES = {
  ministack: { start: startMinistack, address: addressInS3 },
  's3s-fs': { start: startOtherS3, address: addressInS3 },
  lighttpd: {
    start: startWebdav,
    address: (_store, endpoint, prefix) => `webdav+${endpoint}/${prefix}`,
    environment: ({ username, password }) => ({
      UV_LAMBDA_CDK_REMOTE_CACHE_USERNAME: username,
      UV_LAMBDA_CDK_REMOTE_CACHE_PASSWORD: password,
    }),
    skip: whyNoWebdav(),
  },
  Azurite: {
    start: startAzurite,
    address: ({ container, account }, endpoint, prefix) =>
      `azblob://${container}/${prefix}?account=${account}&${withEndpoint(endpoint)}`,
  },
  "Google's emulator": {
    start: startGcs,
    address: ({ bucket }, endpoint, prefix) => `gs://${bucket}/${prefix}?${withEndpoint(endpoint)}`,
    // It writes the object, and then says `null` of it where Google says a text.
    mayWarn: /invalid type: null, expected a string/,
  },
  'a shared folder': {
    start: async () => startFolder(),
    address: ({ folder }) => pathToFileURL(folder).href,
  },
};

/**
 * Starts a store for the time of a test: what its `start()` returns, and `cacheAt(endpoint, prefix)`, the variables of a process
 * that uses it as a remote cache.
 */
export async function startStore(test, name = 's3s-fs') {
  const { start, address, environment = () => ({}) } = STORES[name];
  const store = await start();
  test.after(() => store.stop());
  const cacheAt = (endpoint = store.endpoint, prefix = 'uv/cache') => ({
    ...store.environment,
    ...environment(store),
    UV_LAMBDA_CDK_REMOTE_CACHE: address(store, endpoint, prefix),
  });
  return { ...store, cacheAt };
}

/** The variable by which a process writes too. */
export const WRITES = { UV_LAMBDA_CDK_REMOTE_CACHE_MODE: 'read-write' };

/** A uv that notes its arguments: `{ uv, commands() }`. */
export function uvWithLog(test) {
  const folder = temporaryFolder(test);
  const [log, program] = ['log', 'uv'].map((name) => path.join(folder, name));
  fs.writeFileSync(log, '');
  write(program, `#!/bin/sh\necho "$@" >> '${log}'\nexec '${uv}' "$@"\n`, { mode: 0o755 });
  return { uv: program, commands: () => fs.readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}

/**
 * Starts a Node process that bundles. The event loop stays free, so proxies can be in this process.
 *
 * @param requests options of bundles; each gets a new output folder
 * @param env variables beside those of this process
 * @param door how they are built: one after the other by `bundleSync`, or at once by `bundleAll`
 * @param prologue source that runs first
 * @param trace a file for the programs that the process starts
 * @returns `{ child, done }`: `done` is `{ bundles, seconds, stderr }`, or `{ status, signal, stderr }` if the process failed
 */
export function startBundles(test, requests, { env = {}, door = 'bundleSync', trace, prologue = '' } = {}) {
  const outputs = requests.map(() => temporaryFolder(test));
  const program = `
    const { bundleSync, bundleAll } = require(${JSON.stringify(root)});
    ${prologue}
    const requests = ${JSON.stringify(requests)}, outputs = ${JSON.stringify(outputs)};
    const start = performance.now();
    const finish = (bundles) => {
      const seconds = (performance.now() - start) / 1000;
      process.stdout.write(JSON.stringify({ bundles, seconds }));
    };
    ${
      door === 'bundleAll'
        ? 'bundleAll(requests.map((options, index) => ({ options, outputDir: outputs[index] }))).then(finish);'
        : 'finish(requests.map((options, index) => bundleSync(options, outputs[index])));'
    }
  `;
  const node = [process.execPath, '--eval', program];
  const flags = ['-f', '-e', 'trace=execve', '-e', 'status=successful', '-o', trace, '--'];
  const [command, ...args] = trace === undefined ? node : ['strace', ...flags, ...node];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => (output[stream] += text));
  }
  const done = once(child, 'close').then(([status, signal]) =>
    status === 0 ? { ...JSON.parse(output.stdout), stderr: output.stderr } : { status, signal, ...output },
  );
  return { child, done };
}

/** Bundles in a process of its own, to its end. Throws if a bundle fails. The parameters are those of `startBundles`. */
export async function bundles(test, requests, settings) {
  const done = await startBundles(test, requests, settings).done;
  if (done.bundles === undefined) {
    throw new Error(`the process ended with ${done.status ?? done.signal}: ${done.stderr}`);
  }
  return { ...done, digests: done.bundles.map(({ sha256 }) => sha256), warnings: warningsOf(done) };
}

/** All warnings of the bundles and of the end of a process, as `{ code, message }`. */
function warningsOf({ bundles, stderr }) {
  const atEnd = stderr
    .split('\n')
    .filter((line) => line.startsWith('uv-lambda-cdk: warning: '))
    .map((line) => {
      const [, code, message] = /^uv-lambda-cdk: warning: (?:\[?([A-Z_]+)\]?: )?(.*)$/.exec(line);
      return { code: code ?? 'AT_THE_END', message };
    });
  return [...bundles.flatMap(({ warnings }) => warnings), ...atEnd].filter(({ code }) => code !== 'RUNTIME_DEPRECATED');
}

/** The command lines of the helpers of this checkout that run, without the program. */
export function helpers() {
  const processes = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const read = (name) => {
    try {
      return fs.readFileSync(`/proc/${name}/cmdline`, 'latin1');
    } catch {
      return ''; // It has ended meanwhile.
    }
  };
  return processes.map(read).filter((line) => line.startsWith(path.join(root, 'dist/remote-cache')));
}

/** Fails if a helper still runs after a second. */
export async function assertNoHelper() {
  const deadline = Date.now() + 1000;
  while (helpers().length > 0 && Date.now() < deadline) {
    await sleep(20);
  }
  assert.deepEqual(helpers(), []);
}

/** Options with a cache of the machine's own, which is new. */
export const onNewMachine = (test, workspace, others = {}) =>
  options(workspace, { cache: true, cacheDir: temporaryFolder(test), ...others });

/** The programs that a traced process started, without itself. */
export const startedPrograms = (trace) =>
  [...fs.readFileSync(trace, 'utf8').matchAll(/execve\("([^"]+)", \[(.*?)\](?:, 0x|\.\.\.)/g)]
    .slice(1)
    .map(([, program, args]) => ({ program, args }));

/** Whether programs can be counted here. */
export const canTrace = hasProgram('strace');

const digestOf = (name, contents) => createHash('sha256').update(`${name}\n`).update(contents).digest();

/**
 * An object of a store, as `src/remote/object.rs` describes it: a head and the contents.
 *
 * @param name its path below the prefix and the layout, such as `packs/0123...`
 * @param key the key that signs it, if any
 */
export function objectOf(name, contents, key) {
  const digest = digestOf(name, contents);
  const signature = key === undefined ? Buffer.alloc(32) : createHmac('sha256', key).update(digest).digest();
  return Buffer.concat([Buffer.from('ulc-obj1'), digest, signature, contents]);
}

/** The contents of an object. */
export const contentsOf = (object) => object.subarray(8 + 32 + 32);

/** A pack, as `src/pack/mod.rs` describes it: `{ index, data }`. */
export function readPack(pack) {
  const end = pack.length - (8 + 32 + 8);
  const indexAt = Number(pack.readBigUInt64LE(end));
  return { index: JSON.parse(pack.subarray(indexAt, end)), data: pack.subarray(0, indexAt) };
}

/** The contents of the files in a pack, by path. */
export function filesOfPack(pack) {
  const { index, data } = readPack(pack);
  const inflated = ({ shape, offset, length }) => {
    const piece = data.subarray(offset, offset + length);
    return shape.is_deflated ? inflateRawSync(piece) : piece;
  };
  return Object.fromEntries(index.files.map(({ path, contents }) => [path, inflated(contents)]));
}

/** The bytes of a pack. */
export function writePack({ index, data }) {
  const text = Buffer.from(JSON.stringify(index));
  const indexAt = Buffer.alloc(8);
  indexAt.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([data, text, indexAt, createHash('sha256').update(text).digest(), Buffer.from('ulc-pack')]);
}

/** CRC-32, which Node's zlib has since version 20.15 only. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

/**
 * Replaces the contents of a file in a pack, and everything that says what they are: its digest, its checksum, its sizes. Its bytecode
 * stays. Returns the new pack.
 */
export function replaceInPack(pack, file, contents) {
  const { index, data } = readPack(pack);
  const entry = index.files.find((candidate) => candidate.path === file);
  const compressed = deflateRawSync(contents);
  entry.digest = createHash('sha256').update(contents).digest('hex');
  entry.contents = {
    shape: { ...entry.contents.shape, is_deflated: true, crc: crc32(Buffer.from(contents)), size: contents.length },
    offset: data.length,
    length: compressed.length,
    checksum: crc32(compressed),
  };
  return writePack({ index, data: Buffer.concat([data, compressed]) });
}
