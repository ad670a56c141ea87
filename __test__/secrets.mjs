// What the tests of private indexes share: an app that needs one, and a look for secrets in everything that a build leaves.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from '../scripts/tools.mjs';
import { interpreter, unzip, uv } from './machine.mjs';
import { temporaryFolder } from './workspace.mjs';

export const USERNAME = 'ada.lovelace';

/** With all that has a meaning in an address, and so is written in several ways. */
export const PASSWORD = 'p@ss/w:rd%41?#&x';

/** An app with one dependency, which only the index at `url` has. It has no build system, so nothing else is needed. */
export function appFrom(test, url, folder = path.join(temporaryFolder(test), 'app')) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'pyproject.toml'),
    `[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["acme-greeting"]

[tool.uv.sources]
acme-greeting = { index = "private" }

[[tool.uv.index]]
name = "private"
url = "${url}"
explicit = true
`,
  );
  fs.writeFileSync(path.join(folder, 'main.py'), 'def handler(event, context):\n    return event\n');
  return folder;
}

/**
 * Makes a library of an app, with a build backend of its own that does what real ones do, and what they should not: it
 * writes the address of a dependency into the metadata, secret and all; or it fails, and prints all it knows.
 */
export function withBackend(folder, { secret, fails = false }) {
  const manifest = path.join(folder, 'pyproject.toml');
  fs.appendFileSync(manifest, '\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n');
  fs.writeFileSync(
    path.join(folder, 'backend.py'),
    `import base64, json, os, urllib.parse, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if ${fails ? 'True' : 'False'}:
        netrc = os.path.expanduser('~/.netrc')
        known = list(os.environ.values()) + (open(netrc).read().split() if os.path.exists(netrc) else [])
        for text in known:
            pair = ('${USERNAME}:' + text).encode()
            print(text, urllib.parse.quote(text), urllib.parse.quote(text, safe=''), json.dumps(text), repr(text))
            print(base64.b64encode(pair).decode(), base64.urlsafe_b64encode(text.encode()).decode())
        raise RuntimeError(f'no wheel, and the environment is {dict(os.environ)}')
    name = 'app-1.0-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(wheel_directory, name), 'w') as wheel:
        for file in sorted(os.listdir('.')):
            if os.path.isfile(file) and file not in ('pyproject.toml', 'backend.py'):
                wheel.write(file)
        for file, text in {
            'WHEEL': 'Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',
            'METADATA': 'Metadata-Version: 2.1\\nName: app\\nVersion: 1.0\\nRequires-Dist: a @ https://u:${secret}@a.test/a.whl\\n',
            'RECORD': '',
        }.items():
            wheel.writestr('app-1.0.dist-info/' + file, text)
    return name
`,
  );
}

/** Locks an app with the right password, and with a cache that no build sees. */
export function lock(folder, { host }) {
  const index = `private=http://${USERNAME}:${encodeURIComponent(PASSWORD)}@${host}/simple`;
  const cache = fs.mkdtempSync(`${folder}-cache-`);
  run(uv, ['lock', '--quiet', '--python', interpreter], {
    cwd: folder,
    env: { ...process.env, UV_INDEX: index, UV_CACHE_DIR: cache },
  });
  fs.rmSync(cache, { recursive: true });
}

/**
 * The environment of a build whose uv knows nothing from before: the programs that it finds, an empty cache of uv's, an
 * empty home, and `store` as the place for what is kept between builds.
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

/** A secret in every form in which it could be written down. */
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

/** Fails where one of the `secrets` is in one of the `texts`, or in any file below one of the `folders`; zips are opened. */
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
