// HTTP servers on loopback.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './files.mjs';
import { FIXTURE } from './workspaces.mjs';

/** Starts a server in this process: `{ host, close }`, where `host` is such as `127.0.0.1:4711`. */
export async function listen(handler) {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { host: `127.0.0.1:${server.address().port}`, close };
}

/**
 * Starts a package index in a process of its own, for the time of a test. With a user name and a password, it demands
 * HTTP basic authentication.
 *
 * @param wheels the folder of the wheels that it serves; by default those of the fixture
 * @returns `{ origin, host, url, requests }`: `host` is such as `127.0.0.1:4711`, `origin` the same with its scheme, `url`
 *   the address of the index, and `requests()` the paths that were asked for so far. Wheels are below `/files/`
 */
export async function startIndex(test, { username, password, wheels = path.join(FIXTURE, 'wheels') } = {}) {
  const log = path.join(temporaryFolder(test), 'requests');
  fs.writeFileSync(log, '');
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'index-server.mjs');
  const server = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  test.after(() => server.kill());
  server.stdin.end(JSON.stringify({ username, password, wheels, log }));
  const [line] = await once(server.stdout.setEncoding('utf8'), 'data');
  const host = line.trim();
  const origin = `http://${host}`;
  const requests = () => fs.readFileSync(log, 'utf8').split('\n').filter(Boolean);
  return { origin, host, url: `${origin}/simple`, requests };
}
