// The Docker fallback for real: the real `cdk` command, podman, and the executable that runs inside. Longer than
// `npm test` may take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { IMAGE, IMAGE_PYTHON, podmanEnvironment, runPodman, skipWithoutContainers } from './support/containers.mjs';
import { edit, sha256, temporaryFolder, write } from './support/files.mjs';
import { invoke } from './support/invoke.mjs';
import { appSource, cdkSynth } from './support/synth.mjs';
import { uv } from './support/toolchain.mjs';
import { UV_VERSION, ensureRuntimeClient } from './support/tools.mjs';
import { addNativePackage, fixture, lock } from './support/workspaces.mjs';

const skip = skipWithoutContainers();

/** Settings of every container here: its image, and the network and certificates of this machine. */
const container = `image: DockerImage.fromRegistry('${IMAGE}'), network: 'host',
  environment: { SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt' }`;

/** Synthesises an app with the real `cdk` command; `props` are those of one function, as source. */
function synthesise(t, props, { env = {} } = {}) {
  const folder = temporaryFolder(t);
  const app = path.join(folder, 'app.cjs');
  const output = path.join(folder, 'cdk.out');
  write(app, appSource({ functions: `{ Fn: { runtime: lambda.Runtime.PYTHON_3_11, ...${props} } }`, outdir: output }));
  const { stdout, stderr } = cdkSynth({
    folder,
    app,
    output,
    env: {
      ...podmanEnvironment,
      CDK_DOCKER: 'podman',
      PATH: `${path.dirname(uv)}${path.delimiter}${process.env.PATH}`,
      ...env,
    },
  });
  assert.equal(stdout, '');
  const [zip, ...others] = fs.readdirSync(output).filter((name) => /^asset\..*\.zip$/.test(name));
  assert.deepEqual(others, []);
  return { zip: path.join(output, zip), stderr };
}

describe('the Docker fallback', { skip }, () => {
  test('compiles what has no wheel, after one line that says why; the function runs', async (t) => {
    const workspace = addNativePackage(fixture(t), { uv, python: IMAGE_PYTHON });
    const { zip, stderr } = synthesise(
      t,
      `{ path: ${JSON.stringify(workspace)}, packageName: 'app', handler: 'app.native.handler',
        bundling: { python: '${IMAGE_PYTHON}', ${container} } }`,
    );
    assert.match(
      stderr,
      /^uv-lambda-cdk: app: `acme-native` 1\.0 has no wheels, only its source, .*; falling back to Docker$/m,
    );
    const runtimeClient = ensureRuntimeClient(IMAGE_PYTHON, uv);
    assert.deepEqual(await invoke({ zip, handler: 'app.native.handler', events: [{}], runtimeClient }), [42]);
  });

  test('gives the bytes that this machine gives, by mounting and by copying, with an image of its own', async (t) => {
    const workspace = fixture(t);
    const local = bundleSync(
      { path: workspace, packageName: 'app', runtime: 'python3.11', architecture: 'x86_64', uv, python: IMAGE_PYTHON },
      temporaryFolder(t),
    );
    const props = (bundling) =>
      `{ path: ${JSON.stringify(path.join(workspace, 'packages/app'))}, handler: 'app.main.handler', bundling: { docker: 'always', ${bundling} } }`;

    await t.test('mounted', (t) => {
      assert.equal(sha256(synthesise(t, props(container)).zip), local.sha256);
    });
    await t.test('copied, as for a daemon on another machine', (t) => {
      // CDK copies through a container of this image, which cannot be pulled here.
      runPodman(['tag', IMAGE, 'public.ecr.aws/docker/library/alpine']);
      const copied = `bundlingFileAccess: BundlingFileAccess.VOLUME_COPY, ${container}`;
      assert.equal(sha256(synthesise(t, props(copied)).zip), local.sha256);
    });
    await t.test('as another user, who owns what comes out', (t) => {
      const { zip } = synthesise(t, props(`user: '12345:12345', ${container}`));
      assert.equal(sha256(zip), local.sha256);
      const { uid, gid } = fs.statSync(zip);
      assert.deepEqual([uid, gid], [12345, 12345]);
    });
    await t.test('in the image that is made of the build image of the runtime and uv', (t) => {
      // Neither image can be pulled here: the test image stands in for both. It has uv where the Dockerfile looks for it.
      runPodman(['tag', IMAGE, 'public.ecr.aws/sam/build-python3.11:latest-x86_64']);
      const stage = temporaryFolder(t);
      fs.copyFileSync(uv, path.join(stage, 'uv'));
      fs.writeFileSync(path.join(stage, 'Dockerfile'), 'FROM scratch\nCOPY uv /uv\n');
      runPodman(['build', '--quiet', '--tag', `ghcr.io/astral-sh/uv:${UV_VERSION}`, stage]);
      const own = container.replace(/image: [^,]*,/, '');
      assert.equal(sha256(synthesise(t, props(own)).zip), local.sha256);
    });
  });

  test('runs the commands of the user as this machine does', (t) => {
    const workspace = fixture(t);
    const hooks = {
      beforeBuild: [['sh', '-c', 'echo "MADE = 1" > src/app/made.py']],
      beforeZip: ['cp app/made.py "a b.py"'],
    };
    const local = bundleSync(
      {
        path: workspace,
        packageName: 'app',
        runtime: 'python3.11',
        architecture: 'x86_64',
        uv,
        python: IMAGE_PYTHON,
        hooks,
      },
      temporaryFolder(t),
    );
    const { zip } = synthesise(
      t,
      `{ path: ${JSON.stringify(workspace)}, packageName: 'app', handler: 'app.main.handler',
        bundling: { docker: 'always', hooks: ${JSON.stringify(hooks)}, ${container} } }`,
    );
    assert.equal(sha256(zip), local.sha256);
  });

  test('finds local packages outside of the workspace', (t) => {
    const folder = temporaryFolder(t);
    const workspace = fixture(t, path.join(folder, 'workspace'));
    fs.renameSync(path.join(workspace, 'packages/library'), path.join(folder, 'library'));
    edit(path.join(workspace, 'pyproject.toml'), 'library = { workspace = true }', 'library = { path = "../library" }');
    lock(workspace, { uv, python: IMAGE_PYTHON });
    const local = bundleSync(
      { path: workspace, packageName: 'app', runtime: 'python3.11', architecture: 'x86_64', uv, python: IMAGE_PYTHON },
      temporaryFolder(t),
    );
    const { zip } = synthesise(
      t,
      `{ path: ${JSON.stringify(workspace)}, packageName: 'app', handler: 'app.main.handler', bundling: { docker: 'always', ${container} } }`,
    );
    assert.equal(sha256(zip), local.sha256);
  });
});
