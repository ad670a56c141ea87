// A private index from inside a real container: podman, and the executable that runs there. Longer than `npm test` may
// take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { ensureContainers } from '../scripts/containers.mjs';
import { root, run } from '../scripts/tools.mjs';
import { uv } from './machine.mjs';
import { startPrivateIndex } from './private-index.mjs';
import { PASSWORD, USERNAME, appFrom, assertNowhere, environment, lock } from './secrets.mjs';
import { temporaryFolder } from './workspace.mjs';

/** The Python of the test image, which this machine has as well where it is a Debian 12. */
const PYTHON = '/usr/bin/python3.11';
const containers = ensureContainers();
const skip =
  (!containers.available && containers.reason) || (!fs.existsSync(PYTHON) && `this machine has no ${PYTHON}`);
const podman = { env: { ...process.env, ...containers.environment } };

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
  const outdir = path.join(temporaryFolder(t), 'cdk.out');
  const app = path.join(temporaryFolder(t), 'app.cjs');
  const source = `
    const { createRequire } = require('node:module');
    const need = createRequire(${JSON.stringify(path.join(root, 'index.js'))});
    const { App, Stack, DockerImage, BundlingFileAccess } = need('aws-cdk-lib');
    const lambda = need('aws-cdk-lib/aws-lambda');
    const { PythonLambdaFunction } = need('./index.js');
    const app = new App({ outdir: ${JSON.stringify(outdir)}, analyticsReporting: false });
    new PythonLambdaFunction(new Stack(app, 'Stack'), 'Fn', {
      path: ${JSON.stringify(folder)}, handler: 'main.handler', runtime: lambda.Runtime.PYTHON_3_11,
      bundling: { docker: 'always', image: DockerImage.fromRegistry('${containers.image}'), network: 'host', ${bundling} },
    });
    app.synth();`;
  fs.writeFileSync(app, source);
  const temporary = temporaryFolder(t);
  const child = spawn(process.execPath, [app], {
    cwd: root,
    env: { ...env, ...containers.environment, CDK_DOCKER: containers.podman, TMPDIR: temporary, ...hostEnvironment },
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => (said[stream] += text));
  }
  const seen = new Set();
  const watch = setInterval(() => commandLines().forEach((line) => seen.add(line)), 20);
  const status = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(watch);
  const [zip] = fs.existsSync(outdir) ? fs.readdirSync(outdir).filter((name) => name.endsWith('.zip')) : [];
  return {
    status,
    ...said,
    outdir,
    zip: zip && path.join(outdir, zip),
    seen: [...seen],
    left: fs.readdirSync(temporary),
  };
}

/**
 * Readies podman for copies of folders. Gives what CDK leaves there where a build fails, which is gone when the test is
 * over.
 */
function withCopies(t) {
  // CDK copies by way of a container of this image, which cannot be pulled here.
  run('podman', ['tag', containers.image, 'public.ecr.aws/docker/library/alpine'], podman);
  const volumes = () => run('podman', ['volume', 'ls', '--quiet'], podman).split('\n').filter(Boolean);
  const before = volumes();
  const left = () => volumes().filter((name) => !before.includes(name));
  // With the container that holds it.
  t.after(() => left().forEach((volume) => run('podman', ['volume', 'rm', '--force', volume], podman)));
  return left;
}

function sha256(file) {
  return run('sha256sum', [file]).split(' ')[0];
}

describe('a private index, in a container', { skip }, () => {
  /** An app, its index and what its build knows; and the hash of its zip from this machine. */
  const prepare = async (t) => {
    const index = await startPrivateIndex(t, { username: USERNAME, password: PASSWORD });
    const folder = appFrom(t, `${index.origin}/simple`);
    lock(folder, index);
    // Root of this machine is root in the container, and uv there must not find in the cache what it is to fetch.
    const env = environment(t, { store: temporaryFolder(t) });
    return { index, folder, env };
  };

  /** The hash of the zip that this machine builds. */
  const local = (t, folder, { host }) => {
    const before = { ...process.env };
    const url = `private=http://${USERNAME}:${encodeURIComponent(PASSWORD)}@${host}/simple`;
    Object.assign(process.env, { UV_INDEX: url, UV_CACHE_DIR: temporaryFolder(t) });
    t.after(() => {
      for (const name of ['UV_INDEX', 'UV_CACHE_DIR']) {
        if (before[name] === undefined) {
          delete process.env[name];
        } else {
          process.env[name] = before[name];
        }
      }
    });
    const options = { path: folder, pythonVersion: '3.11', architecture: 'x86_64', uv, python: PYTHON };
    return bundleSync({ ...options, handler: 'main.handler' }, temporaryFolder(t)).sha256;
  };

  const netrc = (t, password) => {
    const file = path.join(temporaryFolder(t), 'netrc');
    fs.writeFileSync(file, `machine 127.0.0.1 login ${USERNAME} password ${password}\n`, { mode: 0o600 });
    return file;
  };

  const WAYS = {
    'environment variables': (_t, password) => ({
      hostEnvironment: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password },
    }),
    netrc: (t, password) => ({ hostEnvironment: { NETRC: netrc(t, password) } }),
    'a keyring of this machine': (t, password) => {
      // A stand-in: a real `keyring` needs a desktop or a cloud.
      const programs = temporaryFolder(t);
      fs.writeFileSync(path.join(programs, 'password'), password);
      const answer = `[ "$1 $3" = "get ${USERNAME}" ] && exec cat '${programs}/password'\nexit 1`;
      fs.writeFileSync(path.join(programs, 'keyring'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
      const PATH = [programs, path.dirname(uv), process.env.PATH].join(path.delimiter);
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
      const [{ Mountpoint }] = JSON.parse(run('podman', ['volume', 'inspect', volume], podman));
      assertNowhere(['wr0ng-password'], { folders: { [volume]: Mountpoint } });
    }
  });
});
