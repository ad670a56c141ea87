// HTTP requests as tests send them: exactly the given headers, any method, a connection for each request.

import { once } from 'node:events';
import * as http from 'node:http';

/** The whole body of a message of `node:http`. */
export async function bodyOf(message) {
  const parts = [];
  for await (const part of message) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * Sends one request and waits for its whole answer. Throws if the connection fails or the answer is cut.
 *
 * @param options `{ method, headers, body }`: by default GET, no headers, no body
 * @returns `{ status, headers, body }`, whatever the status: `body` is a Buffer
 */
export async function exchange(url, { method = 'GET', headers = {}, body } = {}) {
  // A connection that is used twice can be closed by the server at the moment of the second request.
  const request = http.request(url, { method, headers, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  request.on('error', (error) => response.destroy(error));
  return { status: response.statusCode, headers: response.headers, body: await bodyOf(response) };
}
