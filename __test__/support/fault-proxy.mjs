// A proxy between a client and an object store of `store-servers.mjs`. It adds latency, counts requests and breaks answers as
// networks and stores do.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bodyOf, exchange } from './http.mjs';
import { listen } from './servers.mjs';

const every = () => true;

/** Headers of one connection, which are not passed on. */
const OF_CONNECTION = /^(connection|keep-alive|expect)$/;

/** Headers that describe a body. */
const OF_BODY = /^(content-(md5|range)|etag|x-goog-hash|x-ms-blob-content-md5|x-amz-checksum-.*)$/;

/** Headers without those whose names match. */
const without = (headers, names) => Object.fromEntries(Object.entries(headers).filter(([name]) => !names.test(name)));

/** Sends the first bytes of a message, and waits until the system has them. */
async function sendPart(message, bytes) {
  message.flushHeaders();
  if (bytes.length > 0) {
    await new Promise((resolve) => message.write(bytes, resolve));
  }
}

/**
 * A fault: the treatment of the requests that `matches` accepts.
 *
 * @param matches a predicate on `{ method, path }`, where the path has its query
 * @param apply an async function of `{ request, response, ask, onward }`: the messages of `node:http`; `ask()`, which passes the
 *   request on and returns the store's whole answer as `{ status, headers, body }`; `onward()`, which opens a request to the
 *   store with the same headers
 */
const fault = (matches, apply) => ({ matches, apply });

/** A fault that changes the store's whole answer, given as `{ status, headers, body }`. */
const changed = (matches, change) =>
  fault(matches, async ({ response, ask }) => {
    const { status, headers, body } = change(await ask());
    response.writeHead(status, { 'content-length': body.length, ...headers }).end(body);
  });

/** The answer ends after half of its body: the connection is destroyed. `Content-Length` is that of the whole body. */
export const cutBody = (matches = every) =>
  fault(matches, async ({ response, ask }) => {
    const { status, headers, body } = await ask();
    response.writeHead(status, { ...headers, 'content-length': body.length });
    await sendPart(response, body.subarray(0, body.length / 2));
    response.destroy();
  });

/**
 * `Content-Length` says `difference` bytes more than the body has, or fewer where it is negative. The connection ends in order
 * after the body.
 */
export const wrongContentLength = (difference, matches = every) =>
  changed(matches, ({ status, headers, body }) => {
    const length = Math.max(0, body.length + difference);
    return { status, headers: { ...headers, 'content-length': length, connection: 'close' }, body };
  });

/** The answer lacks its last bytes, and `Content-Length` agrees: as if the store had only a part of the object. */
export const shortenedBody = (bytes, matches = every) =>
  changed(matches, (answer) => ({ ...answer, body: answer.body.subarray(0, Math.max(0, answer.body.length - bytes)) }));

/** The answer has more bytes at its end, and `Content-Length` agrees. */
export const lengthenedBody = (bytes, matches = every) =>
  changed(matches, (answer) => ({ ...answer, body: Buffer.concat([answer.body, Buffer.alloc(bytes, 'x')]) }));

/** One bit in the middle of the answer's body is flipped. */
export const flippedBit = (matches = every) =>
  changed(matches, (answer) => {
    const body = Buffer.from(answer.body);
    if (body.length > 0) {
      body[Math.floor(body.length / 2)] ^= 1;
    }
    return { ...answer, body };
  });

/** The proxy answers with a status, and the store gets nothing. `headers` are such as `{ 'Retry-After': '1' }`. */
export const status = (code, headers = {}, matches = every) =>
  fault(matches, async ({ request, response }) => {
    // An answer before the end of an upload may be lost to the client, which is another fault.
    await bodyOf(request);
    response.writeHead(code, headers).end(`${code} ${http.STATUS_CODES[code]}, says the fault proxy`);
  });

/** The proxy reads the request and never answers. The store gets nothing. */
export const noAnswer = (matches = every) => fault(matches, async ({ request }) => void (await bodyOf(request)));

/** The store does what it is asked, and the connection ends without its answer. */
export const lostAnswer = (matches = every) =>
  fault(matches, async ({ response, ask }) => {
    await ask();
    response.destroy();
  });

/** The store gets half of the request's body, and then both connections end: as if the client was killed during an upload. */
export const cutUpload = (matches = every) =>
  fault(matches, async ({ request, response, onward }) => {
    const body = await bodyOf(request);
    const upstream = onward();
    upstream.on('error', () => {});
    await sendPart(upstream, body.subarray(0, body.length / 2));
    upstream.destroy();
    response.destroy();
  });

/** Successful answers with a body have other contents. No header tells. */
export const otherContents = (contents, matches = every) =>
  changed(matches, ({ status, headers, body }) =>
    status === 200
      ? { status, headers: without(headers, OF_BODY), body: Buffer.from(contents) }
      : { status, headers, body },
  );

/** A fault that happens to the first `times` requests that match, and to no later ones. */
export const firstTimes = (times, { matches, apply }) => {
  let left = times;
  return fault((request) => left > 0 && matches(request) && left-- > 0, apply);
};

/**
 * Starts a proxy in this process: the client must not block the event loop.
 *
 * The `Host` header stays that of the client, which is the proxy's address: signatures cover it.
 *
 * @param target a store of `store-servers.mjs`, or its endpoint
 * @param options `{ latency, onRequest }`: milliseconds before each request is passed on, by default 0; and a function that gets
 *   each element of `requests` once its answer is sent
 * @returns `{ endpoint, requests, setFault, setLatency, stop }`: `requests` are `{ method, path, status }` so far, in their order
 *   of arrival (`status` is undefined until there is one); `setFault(...faults)` replaces the faults, of which the first that
 *   matches happens
 */
export async function startFaultProxy(target, { latency = 0, onRequest = () => {} } = {}) {
  const store = new URL(target.endpoint ?? target);
  const requests = [];
  let faults = [];
  let delay = latency;

  const handle = async (request, response) => {
    const { method, url } = request;
    const seen = {
      method,
      path: url,
      get status() {
        return response.headersSent ? response.statusCode : undefined;
      },
    };
    requests.push(seen);
    response.on('close', () => onRequest(seen));
    if (delay > 0) {
      await sleep(delay);
    }
    const headers = without(request.headers, OF_CONNECTION);
    // A connection for each request: the store closes no idle connection that the proxy would use again.
    const onward = () =>
      http.request({ host: store.hostname, port: store.port, method, path: url, headers, agent: false });
    const found = faults.find(({ matches }) => matches({ method, path: url }));
    if (found !== undefined) {
      const ask = async () => {
        const answer = await exchange(new URL(url, store), { method, headers, body: await bodyOf(request) });
        const ofBody = method === 'HEAD' ? OF_CONNECTION : /^(connection|keep-alive|content-length|transfer-encoding)$/;
        return { ...answer, headers: without(answer.headers, ofBody) };
      };
      return found.apply({ request, response, ask, onward });
    }
    const upstream = onward();
    response.on('close', () => upstream.destroy());
    const answered = once(upstream, 'response');
    request.pipe(upstream);
    const [answer] = await answered;
    response.writeHead(answer.statusCode, without(answer.headers, OF_CONNECTION));
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  };

  const { host, close } = await listen((request, response) => {
    handle(request, response).catch((error) => {
      if (response.headersSent) {
        response.destroy();
      } else {
        response.writeHead(502).end(`the fault proxy got no answer: ${error.message}`);
      }
    });
  });
  return {
    endpoint: `http://${host}${store.pathname.replace(/\/$/, '')}`,
    requests,
    setFault: (...others) => (faults = others.filter(Boolean)),
    setLatency: (milliseconds) => (delay = milliseconds),
    stop: close,
  };
}

/**
 * Starts a proxy in a process of its own, for callers that block the event loop. It has latency and no faults. It ends with
 * this process.
 *
 * @returns `{ endpoint, requests(), stop() }`: `requests()` are those whose answers are sent, as in `startFaultProxy`
 */
export async function startFaultProxyProcess(target, { latency = 0 } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'uv-lambda-cdk-proxy-'));
  const log = path.join(folder, 'requests');
  fs.writeFileSync(log, '');
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'fault-proxy-process.mjs');
  const settings = JSON.stringify({ target: target.endpoint ?? target, latency, log });
  const proxy = spawn(process.execPath, [program, settings], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [endpoint] = await once(proxy.stdout.setEncoding('utf8'), 'data');
  for (const handle of [proxy, proxy.stdin, proxy.stdout]) {
    handle.unref();
  }
  const stop = async () => {
    proxy.ref();
    proxy.stdin.end();
    if (proxy.exitCode === null) {
      await once(proxy, 'exit');
    }
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const requests = () => fs.readFileSync(log, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  return { endpoint: endpoint.trim(), requests, stop };
}

/** The address of a port where nobody listens: connections are refused. */
export async function refusedEndpoint() {
  const { host, close } = await listen(() => {});
  close();
  return `http://${host}`;
}

/** Starts a port that accepts connections and never answers: `{ endpoint, stop }`. */
export async function startSilentPort() {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  };
  return { endpoint: `http://127.0.0.1:${server.address().port}`, stop };
}
