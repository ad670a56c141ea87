// Private indexes: apps that need one, and the search for secrets in everything that a build writes or prints.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder, write, writeAll } from './files.mjs';
import { startIndex } from './servers.mjs';
import { uv } from './toolchain.mjs';
import { lock, manifest } from './workspaces.mjs';
import { unzip } from './zips.mjs';

export const USERNAME = 'ada.lovelace';

/** A password with every character that has a meaning in an address, and so is written in several ways. */
export const PASSWORD = 'p@ss/w:rd%41?#&x';

/** The right name and password, as uv takes them for the index `private`. */
export const CREDENTIALS = { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: PASSWORD };

/** The address of an index with a name and a password in it. */
export const addressWith = (password, { host }) => `http://${USERNAME}:${encodeURIComponent(password)}@${host}/simple`;

/** The text of a netrc file with one entry. */
export const netrcOf = (machine, login, password) => `machine ${machine}\n  login ${login}\n  password ${password}\n`;

/** Starts an index that demands the password. */
export const startPrivateIndex = (test) => startIndex(test, { username: USERNAME, password: PASSWORD });

/** Writes an app with one dependency, which only the index at `url` has. It has no build system. */
export function appFrom(test, url, folder = path.join(temporaryFolder(test), 'app')) {
  const sources = `[tool.uv.sources]
acme-greeting = { index = "private" }

[[tool.uv.index]]
name = "private"
url = "${url}"
explicit = true
`;
  writeAll(folder, {
    'pyproject.toml': manifest('app', ['acme-greeting'], sources),
    'main.py': 'def handler(event, context):\n    return event\n',
  });
  return folder;
}

/** Gives an app a build backend that leaks `secret`, or everything that it knows if it `fails`. */
export function withLeakyBackend(folder, { secret, fails = false }) {
  const buildSystem = '\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n';
  fs.appendFileSync(path.join(folder, 'pyproject.toml'), buildSystem);
  const backend = path.join(path.dirname(fileURLToPath(import.meta.url)), 'leaky_backend.py');
  fs.copyFileSync(backend, path.join(folder, 'backend.py'));
  writeAll(folder, { 'backend.json': JSON.stringify({ secret, fails, username: USERNAME }) });
}

/** Locks an app with the right password, and with a cache that no build sees. */
export function lockPrivately(test, folder, index) {
  const UV_INDEX = `private=${addressWith(PASSWORD, index)}`;
  return lock(folder, { env: { UV_INDEX, UV_CACHE_DIR: temporaryFolder(test) } });
}

/**
 * Writes a stand-in for `keyring`, which knows one password, into a new folder for PATH. A real keyring needs a desktop or a
 * cloud.
 *
 * @param service the address that the password is for; by default any
 */
export function keyringOf(test, password, { service } = {}) {
  const folder = temporaryFolder(test);
  const pattern = `"get "${service === undefined ? '*' : `"${service}"`}" ${USERNAME}"`;
  // Only what the shell itself can do: PATH may have no other program.
  const script = `#!/bin/sh\ncase "$1 $2 $3" in ${pattern}) printf '%s' '${password}' ;; *) exit 1 ;; esac\n`;
  write(path.join(folder, 'keyring'), script, { mode: 0o755 });
  return folder;
}

/**
 * The environment of a build whose uv knows nothing from before: an empty cache of uv's and an empty home.
 *
 * @param programs folders of programs beside those of the system
 * @param store the cache of this package
 */
export function environment(test, { programs = [], store, env = {} }) {
  const home = temporaryFolder(test);
  return {
    PATH: [programs, path.dirname(uv), '/usr/bin', '/bin', '/usr/sbin', '/sbin'].flat().join(path.delimiter),
    HOME: home,
    USERPROFILE: home,
    SYSTEMROOT: process.env.SYSTEMROOT ?? '',
    UV_CACHE_DIR: temporaryFolder(test),
    UV_LAMBDA_CDK_CACHE_DIR: store,
    ...env,
  };
}

/** Every form in which a secret can be written. */
function forms(secret) {
  const pair = `${USERNAME}:${secret}`;
  return [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    decodeURIComponent(secret.replaceAll(/%(?![0-9a-f]{2})/gi, '%25')),
    JSON.stringify(secret).slice(1, -1),
    ...[secret, pair].flatMap((text) => [
      Buffer.from(text).toString('base64').replace(/=+$/, ''),
      Buffer.from(text).toString('base64url').replace(/=+$/, ''),
      Buffer.from(text).toString('hex'),
    ]),
  ];
}

/** Fails if one of the `secrets` is in one of the `texts`, or in a file below one of the `folders`. Zips are opened. */
export function assertNowhere(secrets, { texts = {}, folders = {} }) {
  const places = Object.entries(texts);
  for (const [name, folder] of Object.entries(folders)) {
    for (const file of fs.readdirSync(folder, { recursive: true })) {
      const whole = path.join(folder, file);
      places.push([`the name of ${name}/${file}`, file]);
      if (!fs.statSync(whole).isFile()) {
        continue;
      }
      const contents = fs.readFileSync(whole);
      places.push([`${name}/${file}`, contents.toString('latin1')]);
      if (contents.subarray(0, 2).toString() === 'PK') {
        for (const [entry, text] of Object.entries(unzip(whole))) {
          places.push([`${entry} in ${name}/${file}`, entry + text]);
        }
      }
    }
  }
  for (const [place, text] of places) {
    for (const form of secrets.flatMap(forms)) {
      assert.ok(!text.includes(form), `\`${form}\` is in ${place}:\n${text.slice(0, 2000)}`);
    }
  }
}
