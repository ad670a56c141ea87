// A package index that asks for a password: HTTP basic authentication on loopback, over the wheels of the fixture.
//
// It runs as a program of its own, because bundling in a test blocks the test's event loop. What it has to know comes by
// its standard input, so that no password is in any argument.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import http from 'node:http';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

const wheels = path.join(path.dirname(fileURLToPath(import.meta.url)), '../tests/fixtures/workspace/wheels');

/**
 * Starts an index for the time of a test.
 *
 * @returns `origin`, such as `http://127.0.0.1:4711`, with the index at `/simple`; and `host`, the same without the scheme
 */
export async function startPrivateIndex(test, { username, password }) {
  const index = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ['pipe', 'pipe', 'inherit'] });
  test.after(() => index.kill());
  index.stdin.end(JSON.stringify({ username, password }));
  const [port] = await once(index.stdout.setEncoding('utf8'), 'data');
  return { origin: `http://127.0.0.1:${port.trim()}`, host: `127.0.0.1:${port.trim()}` };
}

function serve({ username, password }) {
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = http.createServer((request, response) => {
    const answer = (status, body, headers = {}) => response.writeHead(status, headers).end(body);
    if (request.headers.authorization !== expected) {
      return answer(401, 'who are you?', { 'WWW-Authenticate': 'Basic realm="private"' });
    }
    const [, folder, name] = request.url.split('/');
    const files = fs.readdirSync(wheels);
    if (folder === 'files' && files.includes(name)) {
      return answer(200, fs.readFileSync(path.join(wheels, name)));
    }
    const project = files.filter((file) => file.split('-')[0].replaceAll('_', '-') === name);
    if (folder !== 'simple' || project.length === 0) {
      return answer(404, 'no such project');
    }
    const links = project.map((file) => {
      const sha256 = createHash('sha256')
        .update(fs.readFileSync(path.join(wheels, file)))
        .digest('hex');
      return `<a href="/files/${file}#sha256=${sha256}">${file}</a>`;
    });
    return answer(200, `<!doctype html><html><body>${links.join('\n')}</body></html>`, { 'Content-Type': 'text/html' });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  serve(JSON.parse(fs.readFileSync(0, 'utf8')));
}
