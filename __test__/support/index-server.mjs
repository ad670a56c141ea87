// The program of `startIndex` in servers.mjs. It is a process of its own because bundling in a test blocks the test's
// event loop. Its settings come by standard input, so that no password is in an argument. It writes its address to
// standard output, and then each path that is asked for to a file.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { listen } from './servers.mjs';

const { wheels, username, password, log } = JSON.parse(fs.readFileSync(0, 'utf8'));
const expected =
  username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function linkTo(file) {
  const sha256 = createHash('sha256')
    .update(fs.readFileSync(path.join(wheels, file)))
    .digest('hex');
  return `<a href="/files/${file}#sha256=${sha256}">${file}</a>`;
}

const { host } = await listen((request, response) => {
  const answer = (status, body, headers = {}) => response.writeHead(status, headers).end(body);
  fs.appendFileSync(log, `${request.url}\n`);
  if (expected !== undefined && request.headers.authorization !== expected) {
    return answer(401, 'who are you?', { 'WWW-Authenticate': 'Basic realm="private"' });
  }
  const [, folder, name] = request.url.split('/');
  // Below a folder of the files, there may be a git repository: git asks for its files, with a query.
  const file = path.join(wheels, new URL(request.url, 'http://index').pathname.replace('/files/', ''));
  if (folder === 'files' && fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
    return answer(200, fs.readFileSync(file));
  }
  const files = fs.readdirSync(wheels);
  const found = files.filter((file) => file.split('-')[0].replaceAll('_', '-') === name);
  if (folder !== 'simple' || found.length === 0) {
    return answer(404, 'no such project');
  }
  const page = `<!doctype html><html><body>${found.map(linkTo).join('\n')}</body></html>`;
  return answer(200, page, { 'Content-Type': 'text/html' });
});
console.log(host);
