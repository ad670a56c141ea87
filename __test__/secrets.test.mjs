// Private indexes and the secrets that open them: a real index with HTTP basic authentication, real uv, and a look into
// everything that is written or said.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { root } from '../scripts/tools.mjs';
import { interpreter, pythonVersion } from './machine.mjs';
import { startPrivateIndex } from './private-index.mjs';
import { PASSWORD, USERNAME, appFrom, assertNowhere, environment, lock } from './secrets.mjs';
import { temporaryFolder } from './workspace.mjs';

/** Bundles the app in `folder` on the command line. */
function bundle(folder, output, env) {
  const flags = ['--path', folder, '--python', pythonVersion, '--interpreter', interpreter, '--output', output];
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'cli.js'), 'bundle', ...flags], {
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

/**
 * The ways in which uv learns a password. Each gets a folder for its files, the index, and a password that is the right one
 * or is not; and gives what of the environment and of the address of the index is its own.
 */
const WAYS = {
  'environment variables': (_folder, _index, password) => ({
    env: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password },
  }),
  'the file that NETRC names': (folder, _index, password) => {
    const file = path.join(folder, 'credentials');
    fs.writeFileSync(file, `machine 127.0.0.1\n  login ${USERNAME}\n  password ${password}\n`, { mode: 0o600 });
    return { env: { NETRC: file } };
  },
  '~/.netrc': (folder, _index, password) => {
    fs.writeFileSync(path.join(folder, '.netrc'), `machine 127.0.0.1 login ${USERNAME} password ${password}\n`, {
      mode: 0o600,
    });
    return { env: { HOME: folder } };
  },
  keyring: (folder, _index, password) => {
    // A stand-in: a real `keyring` needs a desktop or a cloud. It answers as the real one does to the call that uv makes.
    fs.writeFileSync(path.join(folder, 'password'), password);
    fs.writeFileSync(
      path.join(folder, 'keyring'),
      `#!/bin/sh\n[ "$1 $3" = "get ${USERNAME}" ] && exec cat '${path.join(folder, 'password')}'\nexit 1\n`,
      { mode: 0o755 },
    );
    return {
      env: { UV_KEYRING_PROVIDER: 'subprocess', UV_INDEX_PRIVATE_USERNAME: USERNAME },
      programs: folder,
    };
  },
  'the address in `[[tool.uv.index]]`': (_folder, { host }, password) => ({
    env: {},
    url: `http://${USERNAME}:${encodeURIComponent(password)}@${host}/simple`,
  }),
  'the address in UV_INDEX': (_folder, { host }, password) => ({
    env: { UV_INDEX: `private=http://${USERNAME}:${encodeURIComponent(password)}@${host}/simple` },
  }),
};

describe('a private index', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    const skip = name === 'keyring' && process.platform === 'win32' && 'the stand-in for keyring is a script';
    test(`opens by ${name}, and refuses without a word of it`, { skip }, async (t) => {
      const index = await startPrivateIndex(t, { username: USERNAME, password: PASSWORD });
      const run = (password) => {
        const { env, url, programs = [] } = way(temporaryFolder(t), index, password);
        const folder = appFrom(t, url ?? `${index.origin}/simple`);
        lock(folder, index);
        const [output, store] = [temporaryFolder(t), temporaryFolder(t)];
        const { status, ...said } = bundle(folder, output, environment(t, { programs, store, env }));
        assertNowhere([password], { texts: said, folders: { output, store } });
        return { status, said: said.stdout + said.stderr, zips: fs.readdirSync(output) };
      };

      const good = run(PASSWORD);
      assert.equal(good.status, 0, good.said);
      assert.deepEqual(good.zips, ['app.zip']);

      const bad = run('wrong@pass/word:%41!');
      assert.equal(bad.status, 2, bad.said);
      assert.match(bad.said, /^error\[UV_FAILED\]: `uv .*` failed:/);
      assert.match(bad.said, /401|403|unauthorized/i);
      assert.deepEqual(bad.zips, []);
    });
  }
});
