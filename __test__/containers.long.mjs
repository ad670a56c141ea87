// The Docker fallback for real: the real `cdk` command, podman, and the executable that runs inside. Longer than
// `npm test` may take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { ensureContainers } from '../scripts/containers.mjs';
import { invoke } from '../scripts/invoke.mjs';
import { UV_VERSION, ensureRuntimeClient, root, run } from '../scripts/tools.mjs';
import { fixture, uv } from './machine.mjs';
import { temporaryFolder } from './workspace.mjs';

/** The Python of the test image, which this machine has as well where it is a Debian 12. */
const PYTHON = '/usr/bin/python3.11';
const containers = ensureContainers();
const skip =
  (!containers.available && containers.reason) || (!fs.existsSync(PYTHON) && `this machine has no ${PYTHON}`);

/** What every container here needs: its image, the network of this machine, and its certificates. */
const container = `image: DockerImage.fromRegistry('${containers.image}'), network: 'host',
  environment: { SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt' }`;

/** Synthesises an app with the real `cdk` command; `props` are those of one function, as source. */
function synthesise(t, props, { env = {}, image } = {}) {
  const folder = temporaryFolder(t);
  const app = path.join(folder, 'app.cjs');
  fs.writeFileSync(
    app,
    `const { createRequire } = require('node:module');
    const need = createRequire(${JSON.stringify(path.join(root, 'index.js'))});
    const { App, Stack, DockerImage, BundlingFileAccess } = need('aws-cdk-lib');
    const lambda = need('aws-cdk-lib/aws-lambda');
    const { PythonLambdaFunction } = need('./index.js');
    const stack = new Stack(new App(), 'Stack');
    new PythonLambdaFunction(stack, 'Fn', { runtime: lambda.Runtime.PYTHON_3_11, ...${props} });`,
  );
  const output = path.join(folder, 'cdk.out');
  const cdk = path.join(root, 'node_modules/aws-cdk/bin/cdk');
  const args = [cdk, 'synth', '--quiet', '--no-notices', '--app', `${process.execPath} ${app}`, '--output', output];
  const { status, stderr, stdout } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      ...containers.environment,
      // With it, the `cdk` command writes what it has to say to stdout.
      CI: undefined,
      CDK_DOCKER: containers.podman,
      PATH: `${path.dirname(uv)}${path.delimiter}${process.env.PATH}`,
      ...env,
    },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '');
  const [zip, ...others] = fs.readdirSync(output).filter((name) => /^asset\..*\.zip$/.test(name));
  assert.deepEqual(others, []);
  return { zip: path.join(output, zip), stderr };
}

function sha256(file) {
  return run('sha256sum', [file]).split(' ')[0];
}

/** Adds a package to the flat index of the fixture that is only there as source, in C, and locks it for `app`. */
function withNativePackage(t) {
  const workspace = fixture(t);
  const source = path.join(temporaryFolder(t), 'acme_native-1.0');
  fs.mkdirSync(source);
  const files = {
    'PKG-INFO': 'Metadata-Version: 2.2\nName: acme-native\nVersion: 1.0\n',
    'pyproject.toml':
      '[build-system]\nrequires = ["setuptools==80.9.0"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "acme-native"\nversion = "1.0"\n',
    'setup.py':
      'from setuptools import Extension, setup\nsetup(ext_modules=[Extension("acme_native", ["acme_native.c"])])\n',
    'acme_native.c': `#include <Python.h>
      static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
      static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, "Answers."}, {NULL, NULL, 0, NULL}};
      static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "acme_native", NULL, -1, methods};
      PyMODINIT_FUNC PyInit_acme_native(void) { return PyModule_Create(&module); }`,
  };
  for (const [name, text] of Object.entries(files)) {
    fs.writeFileSync(path.join(source, name), text);
  }
  run('tar', [
    '-C',
    path.dirname(source),
    '-czf',
    path.join(workspace, 'wheels/acme_native-1.0.tar.gz'),
    'acme_native-1.0',
  ]);
  const manifest = path.join(workspace, 'packages/app/pyproject.toml');
  const text = fs.readFileSync(manifest, 'utf8');
  fs.writeFileSync(manifest, text.replace('"acme-greeting"', '"acme-greeting", "acme-native"'));
  fs.writeFileSync(
    path.join(workspace, 'packages/app/src/app/native.py'),
    'from acme_native import answer\n\ndef handler(event, context):\n    return answer()\n',
  );
  run(uv, ['lock', '--quiet', '--python', PYTHON], { cwd: workspace });
  return workspace;
}

describe('the Docker fallback', { skip }, () => {
  test('compiles what has no wheel, after one line that says why; the function runs', async (t) => {
    const workspace = withNativePackage(t);
    const { zip, stderr } = synthesise(
      t,
      `{ path: ${JSON.stringify(workspace)}, packageName: 'app', handler: 'app.native.handler',
        bundling: { python: '${PYTHON}', ${container} } }`,
    );
    assert.match(
      stderr,
      /^uv-lambda-cdk: app: `acme-native` 1\.0 has no wheels, only its source, .*; falling back to Docker$/m,
    );
    const runtimeClient = ensureRuntimeClient(PYTHON, uv);
    assert.deepEqual(await invoke({ zip, handler: 'app.native.handler', events: [{}], runtimeClient }), [42]);
  });

  test('gives the bytes that this machine gives, by mounting and by copying, with an image of its own', async (t) => {
    const workspace = fixture(t);
    const local = bundleSync(
      { path: workspace, packageName: 'app', pythonVersion: '3.11', architecture: 'x86_64', uv, python: PYTHON },
      temporaryFolder(t),
    );
    const props = (bundling) =>
      `{ path: ${JSON.stringify(path.join(workspace, 'packages/app'))}, handler: 'app.main.handler', bundling: { docker: 'always', ${bundling} } }`;

    await t.test('mounted', (t) => {
      assert.equal(sha256(synthesise(t, props(container)).zip), local.sha256);
    });
    await t.test('copied, as for a daemon on another machine', (t) => {
      // CDK copies by way of a container of this image, which cannot be pulled here.
      run('podman', ['tag', containers.image, 'public.ecr.aws/docker/library/alpine'], podmanOptions());
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
      run('podman', ['tag', containers.image, 'public.ecr.aws/sam/build-python3.11:latest-x86_64'], podmanOptions());
      const stage = temporaryFolder(t);
      fs.copyFileSync(uv, path.join(stage, 'uv'));
      fs.writeFileSync(path.join(stage, 'Dockerfile'), 'FROM scratch\nCOPY uv /uv\n');
      run('podman', ['build', '--quiet', '--tag', `ghcr.io/astral-sh/uv:${UV_VERSION}`, stage], podmanOptions());
      const own = container.replace(/image: [^,]*,/, '');
      assert.equal(sha256(synthesise(t, props(own)).zip), local.sha256);
    });
  });

  test('runs the commands of the user as this machine does', (t) => {
    const workspace = fixture(t);
    const commandHooks = {
      beforeBundling: [['sh', '-c', 'echo "MADE = 1" > src/app/made.py']],
      afterBundling: ['cp app/made.py "a b.py"'],
    };
    const local = bundleSync(
      {
        path: workspace,
        packageName: 'app',
        pythonVersion: '3.11',
        architecture: 'x86_64',
        uv,
        python: PYTHON,
        commandHooks,
      },
      temporaryFolder(t),
    );
    const { zip } = synthesise(
      t,
      `{ path: ${JSON.stringify(workspace)}, packageName: 'app', handler: 'app.main.handler',
        bundling: { docker: 'always', commandHooks: ${JSON.stringify(commandHooks)}, ${container} } }`,
    );
    assert.equal(sha256(zip), local.sha256);
  });

  test('finds local packages outside of the workspace', (t) => {
    const folder = temporaryFolder(t);
    const workspace = fixture(t, path.join(folder, 'workspace'));
    fs.renameSync(path.join(workspace, 'packages/library'), path.join(folder, 'library'));
    for (const [file, from, to] of [
      ['pyproject.toml', 'library = { workspace = true }', 'library = { path = "../library" }'],
    ]) {
      const text = fs.readFileSync(path.join(workspace, file), 'utf8');
      assert.ok(text.includes(from));
      fs.writeFileSync(path.join(workspace, file), text.replace(from, to));
    }
    run(uv, ['lock', '--quiet', '--python', PYTHON], { cwd: workspace });
    const local = bundleSync(
      { path: workspace, packageName: 'app', pythonVersion: '3.11', architecture: 'x86_64', uv, python: PYTHON },
      temporaryFolder(t),
    );
    const { zip } = synthesise(
      t,
      `{ path: ${JSON.stringify(workspace)}, packageName: 'app', handler: 'app.main.handler', bundling: { docker: 'always', ${container} } }`,
    );
    assert.equal(sha256(zip), local.sha256);
  });
});

function podmanOptions() {
  return { env: { ...process.env, ...containers.environment } };
}
