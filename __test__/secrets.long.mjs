// A private index from inside a real container: podman, and the executable that runs there. Longer than `npm test` may
// take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { IMAGE, IMAGE_PYTHON, podmanEnvironment, runPodman, skipWithoutContainers } from './support/containers.mjs';
import { sha256, temporaryFolder, write } from './support/files.mjs';
import {
  PASSWORD,
  USERNAME,
  addressWith,
  appFrom,
  assertNowhere,
  environment,
  keyringOf,
  lockPrivately,
  netrcOf,
  startPrivateIndex,
} from './support/secrets.mjs';
import { runAppWatched } from './support/synth.mjs';
import { uv } from './support/toolchain.mjs';
import { withVariables } from './support/tools.mjs';

const skip = skipWithoutContainers();

/** The command lines of all processes of this machine that belong to a build. */
function commandLines() {
  const processes = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const read = (name) => {
    try {
      return fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
    } catch {
      return ''; // It has ended meanwhile.
    }
  };
  return processes.map(read).filter((line) => /podman|conmon|runc|keyring|\buv\b|uv-lambda-cdk/.test(line));
}

/** Synthesises an app whose zip a container builds, and watches all command lines meanwhile. */
async function synthesise(t, folder, { bundling = '', env, hostEnvironment = {} }) {
  const temporary = temporaryFolder(t);
  const functions = `{ Fn: {
    path: ${JSON.stringify(folder)}, handler: 'main.handler', runtime: lambda.Runtime.PYTHON_3_11,
    bundling: { docker: 'always', image: DockerImage.fromRegistry('${IMAGE}'), network: 'host', ${bundling} },
  } }`;
  const seen = new Set();
  const app = {
    functions,
    synthesise: true,
    env: { ...env, ...podmanEnvironment, CDK_DOCKER: 'podman', TMPDIR: temporary, ...hostEnvironment },
  };
  const result = await runAppWatched(t, app, () => commandLines().forEach((line) => seen.add(line)));
  const zip = result.assets.find((name) => name.endsWith('.zip'));
  return {
    ...result,
    zip: zip && path.join(result.outdir, zip),
    seen: [...seen],
    left: fs.readdirSync(temporary),
  };
}

/**
 * Prepares podman for copies of folders. Returns the volumes that CDK leaves there if a build fails; they are removed after
 * the test.
 */
function withCopies(t) {
  // CDK copies through a container of this image, which cannot be pulled here.
  runPodman(['tag', IMAGE, 'public.ecr.aws/docker/library/alpine']);
  const volumes = () => runPodman(['volume', 'ls', '--quiet']).split('\n').filter(Boolean);
  const before = volumes();
  const left = () => volumes().filter((name) => !before.includes(name));
  // With the container that holds it.
  t.after(() => left().forEach((volume) => runPodman(['volume', 'rm', '--force', volume])));
  return left;
}

describe('a private index, in a container', { skip }, () => {
  /** An app, its index and the environment of its build. */
  const prepare = async (t) => {
    const index = await startPrivateIndex(t);
    const folder = appFrom(t, `${index.origin}/simple`);
    lockPrivately(t, folder, index);
    // Root of this machine is root in the container: uv there must not find the packages in the cache, but fetch them.
    const env = environment(t, { store: temporaryFolder(t) });
    return { index, folder, env };
  };

  /** The hash of the zip that this machine builds. */
  const local = (t, folder, index) => {
    const options = { path: folder, runtime: 'python3.11', architecture: 'x86_64', uv, python: IMAGE_PYTHON };
    const variables = { UV_INDEX: `private=${addressWith(PASSWORD, index)}`, UV_CACHE_DIR: temporaryFolder(t) };
    return withVariables(
      variables,
      () => bundleSync({ ...options, handler: 'main.handler' }, temporaryFolder(t)).sha256,
    );
  };

  const netrc = (t, password) => {
    const file = path.join(temporaryFolder(t), 'netrc');
    write(file, netrcOf('127.0.0.1', USERNAME, password), { mode: 0o600 });
    return file;
  };

  const WAYS = {
    'environment variables': (_t, password) => ({
      hostEnvironment: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password },
    }),
    netrc: (t, password) => ({ hostEnvironment: { NETRC: netrc(t, password) } }),
    'a keyring of this machine': (t, password) => {
      const PATH = [keyringOf(t, password), path.dirname(uv), process.env.PATH].join(path.delimiter);
      return {
        hostEnvironment: { PATH, UV_KEYRING_PROVIDER: 'subprocess', UV_INDEX_PRIVATE_USERNAME: USERNAME },
      };
    },
    '`uv auth login`': (t, password, { origin }) => {
      const UV_CREDENTIALS_DIR = temporaryFolder(t);
      fs.writeFileSync(
        path.join(UV_CREDENTIALS_DIR, 'credentials.toml'),
        `[[credential]]\nservice = "${origin}/"\nusername = "${USERNAME}"\nscheme = "basic"\npassword = "${password}"\n`,
      );
      return { hostEnvironment: { UV_CREDENTIALS_DIR } };
    },
    "the app's own variables": (_t, password) => ({
      bundling: `environment: ${JSON.stringify({ UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password })},`,
    }),
    'environment variables, as another user': (_t, password) => ({
      bundling: `user: '12345:12345',`,
      hostEnvironment: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password },
    }),
    'netrc, by copies of the folders, as another user': (t, password) => {
      withCopies(t);
      return {
        bundling: `user: '12345:12345', bundlingFileAccess: BundlingFileAccess.VOLUME_COPY,`,
        hostEnvironment: { NETRC: netrc(t, password) },
      };
    },
  };

  for (const [name, way] of Object.entries(WAYS)) {
    test(`opens by ${name}; the password is in no command line, file or word`, async (t) => {
      const { index, folder, env } = await prepare(t);
      const synthesised = async (password) => {
        const { status, stdout, stderr, outdir, zip, seen, left } = await synthesise(t, folder, {
          // With a cache of its own: uv asks no index for a wheel that it has.
          env: { ...env, UV_CACHE_DIR: temporaryFolder(t) },
          ...way(t, password, index),
        });
        assert.ok(
          seen.some((line) => /^\/.*uv-lambda-cdk\S* bundle /.test(line)),
          `the executable was not seen to run: ${stderr}`,
        );
        assertNowhere([password], {
          texts: { stdout, stderr, ...seen },
          folders: { 'cdk.out': outdir, workspace: folder },
        });
        assert.deepEqual(left, []);
        return { status, stderr, zip };
      };
      const good = await synthesised(PASSWORD);
      assert.equal(good.status, 0, good.stderr);
      assert.equal(sha256(good.zip), local(t, folder, index));

      const bad = await synthesised('wrong@pass/word:%41!');
      assert.notEqual(bad.status, 0);
      assert.match(bad.stderr, /error\[UV_FAILED\]: `uv .*` failed:/);
      assert.match(bad.stderr, /401|403|unauthorized/i);
    });
  }

  test('leaves no password in the copies that CDK leaves where a build fails', async (t) => {
    const left = withCopies(t);
    const { folder, env } = await prepare(t);
    const { status, stderr } = await synthesise(t, folder, {
      env,
      bundling: 'bundlingFileAccess: BundlingFileAccess.VOLUME_COPY,',
      hostEnvironment: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: 'wr0ng-password' },
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /error\[UV_FAILED\]/);
    assert.equal(left().length, 2);
    for (const volume of left()) {
      const [{ Mountpoint }] = JSON.parse(runPodman(['volume', 'inspect', volume]));
      assertNowhere(['wr0ng-password'], { folders: { [volume]: Mountpoint } });
    }
  });
});
