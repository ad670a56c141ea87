// Layers: the packages in a layer; functions with the layer ship without these packages, and run with it.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as path from 'node:path';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { PythonLambdaFunction, PythonLambdaLayer, bundleSync } from '../index.js';
import { assertRefused } from './support/errors.mjs';
import { temporaryFolder } from './support/files.mjs';
import { invoke } from './support/invoke.mjs';
import { newStack, runtimeOf, synthesise } from './support/stacks.mjs';
import { runApp, synthesisedFunctions } from './support/synth.mjs';
import { interpreter, options, pythonVersion, runtimeClient, runtimeName, uv } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';
import { unpackZip, unzip, zipNames } from './support/zips.mjs';

const runtime = runtimeOf(pythonVersion);
const greeting = { name: 'acme-greeting', version: '1.0' };

/** A layer, as the option `layers` of a function has it. */
const known = (others = {}) => ({
  name: 'Packages',
  runtime: runtimeName,
  architecture: 'x86_64',
  packages: [greeting],
  ...others,
});

/** The names in a zip, without bytecode. */
const names = (zip) => zipNames(zip).filter((name) => !name.endsWith('.pyc'));

describe('the zip of a layer', () => {
  test('holds the third-party packages of the members below `python`, and nothing else', (t) => {
    const { handler: _, packageName: __, ...layerOptions } = options(fixture(t), { layer: {} });
    const { zipPath: zip, packages } = bundleSync(layerOptions, temporaryFolder(t));
    assert.equal(path.basename(zip), 'layer.zip');
    assert.ok(
      names(zip).every((name) => name.startsWith('python/acme_')),
      names(zip).join(' '),
    );
    assert.ok(packages.some(({ name }) => name === 'acme-greeting'));
    assert.ok(!packages.some(({ name }) => ['app', 'library', 'acme-dev'].includes(name)));
    assert.ok(Object.values(unzip(zip)).some((text) => text.includes('/opt/python/acme_greeting')));
    assert.equal(
      bundleSync(layerOptions, temporaryFolder(t)).sha256,
      bundleSync(layerOptions, temporaryFolder(t)).sha256,
    );
  });

  test('is kept for the next time, apart from the packages of functions', (t) => {
    const workspace = fixture(t);
    const cache = { cache: true, cacheDir: temporaryFolder(t) };
    bundleSync(options(workspace, cache), temporaryFolder(t));
    const layer = options(workspace, { ...cache, layer: {} });
    const [first, second] = [1, 2].map(() => bundleSync(layer, temporaryFolder(t)));
    assert.deepEqual([first.reused, second.reused], [false, true]);
    assert.equal(first.sha256, bundleSync({ ...layer, cache: false }, temporaryFolder(t)).sha256);
  });
});

test('a function with a layer ships without what the layer holds, and runs with it', async (t) => {
  const workspace = fixture(t);
  const { zipPath: zip } = bundleSync(
    options(workspace, { layers: [known()], handler: 'app.main.handler' }),
    temporaryFolder(t),
  );
  assert.ok(!names(zip).some((name) => name.startsWith('acme_greeting')), names(zip).join(' '));
  const { zipPath: layer } = bundleSync(options(workspace, { layer: { packageNames: ['app'] } }), temporaryFolder(t));
  const opt = temporaryFolder(t);
  unpackZip(layer, opt, interpreter);
  const call = { zip, handler: 'app.main.handler', events: [{ name: 'Ada' }], runtimeClient };
  await assert.rejects(invoke(call), /acme_greeting/);
  const [answer] = await invoke({ ...call, environment: { PYTHONPATH: path.join(opt, 'python') } });
  const whole = bundleSync(options(workspace), temporaryFolder(t));
  const [expected] = await invoke({ ...call, zip: whole.zipPath });
  assert.deepEqual(answer, expected);
});

test('in CDK, a layer and the functions that take it are three lines', (t) => {
  const workspace = fixture(t);
  const scope = newStack(t);
  const bundling = { uv, python: interpreter, docker: 'never', cache: false };
  const layers = [new PythonLambdaLayer(scope, 'Packages', { path: workspace, runtime, bundling })];
  const packageName = 'app';
  new PythonLambdaFunction(scope, 'Api', {
    path: workspace,
    packageName,
    handler: 'app.main.handler',
    runtime,
    layers,
    bundling,
  });

  const { template, outdir } = synthesise(scope);
  const resources = Object.values(template.Resources);
  const layer = resources.find(({ Type }) => Type === 'AWS::Lambda::LayerVersion');
  assert.deepEqual(layer.Properties.CompatibleRuntimes, [runtimeName]);
  assert.deepEqual(layer.Properties.CompatibleArchitectures, ['x86_64']);
  const zip = ({ Properties: { Code, Content } }) => path.join(outdir, `asset.${(Code ?? Content).S3Key}`);
  const code = resources.find(({ Type }) => Type === 'AWS::Lambda::Function');
  assert.equal(code.Properties.Layers.length, 1);
  assert.ok(names(zip(layer)).includes('python/acme_greeting/__init__.py'));
  assert.ok(!names(zip(code)).some((name) => name.includes('acme_greeting')));
  assert.ok(layers[0].bundled.unzippedBytes > 0);
});

describe('a mistake', () => {
  const mistakes = {
    'a layer of another Python': [
      { layers: [known({ runtime: 'python3.9' })] },
      'LAYER_MISMATCH',
      /^the layer `Packages` is for python3\.9 on x86_64, and the function for python.* on x86_64: /,
    ],
    'a layer of another CPU': [
      { layers: [known({ architecture: 'arm64' })] },
      'LAYER_MISMATCH',
      /^the layer `Packages` is for python.* on arm64, and the function for /,
    ],
    'a layer with another version': [
      { layers: [known({ packages: [{ ...greeting, version: '0.9' }] })] },
      'LAYER_VERSION_MISMATCH',
      /^the layer `Packages` holds `acme-greeting` 0\.9, and the function needs 1\.0: /,
    ],
    'a package that nobody needs': [
      { layer: { packages: ['acme-greting'] } },
      'NOTHING_MATCHES',
      /^no member needs `acme-greting` \(did you mean `acme-greeting`\?\)/,
    ],
    'a member that there is none': [{ layer: { packageNames: ['ap'] } }, 'UNKNOWN_PACKAGE', /no member `ap`/],
    'a handler of a layer': [
      { layer: {}, handler: 'app.main.handler' },
      'INVALID_OPTIONS',
      /^the option `handler` has no meaning for a layer/,
    ],
    'layers that are more than Lambda takes': [
      { layers: [known({ unzippedBytes: 262_144_000 })] },
      'BUNDLE_TOO_LARGE',
      /with its layers \(250\.0 MB\)/,
    ],
  };
  for (const [name, [others, code, message]] of Object.entries(mistakes)) {
    test(`${name} is one clear sentence`, (t) => {
      assertRefused(() => bundleSync(options(fixture(t), others), temporaryFolder(t)), code, message);
    });
  }

  test('a package that the function does not need is none', (t) => {
    const unneeded = known({ packages: [{ name: 'unknown-package', version: '1' }] });
    const { sha256 } = bundleSync(options(fixture(t), { layers: [unneeded] }), temporaryFolder(t));
    assert.equal(sha256, bundleSync(options(fixture(t)), temporaryFolder(t)).sha256);
  });
});

test('two stages that have the same layer and function build them once', (t) => {
  const folder = fixture(t);
  const shared = JSON.stringify({ path: folder, bundling: { uv, python: interpreter, docker: 'never' } });
  const body = `
    const { Stage } = need('aws-cdk-lib');
    const { PythonLambdaLayer } = need('./index.js');
    const runtime = lambda.Runtime.ALL.find(({ name }) => name === 'python${pythonVersion}');
    for (const name of ['Beta', 'Production']) {
      const stack = new Stack(new Stage(app, name), 'Stack');
      const layers = [new PythonLambdaLayer(stack, 'Packages', { ...${shared}, runtime })];
      new PythonLambdaFunction(stack, 'Fn', { ...${shared}, packageName: 'app', handler: 'app.main.handler', runtime, layers });
    }`;
  const { status, stderr } = runApp(t, { body, env: { ...process.env, UV_LAMBDA_CDK_CACHE_DIR: temporaryFolder(t) } });
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/^uv-lambda-cdk: .* zipped/gm)?.length, 2, stderr);
});

test('a layer of another copy of this package is still a layer', (t) => {
  const stack = newStack(t);
  const shared = { path: fixture(t), runtime, bundling: { uv, python: interpreter, docker: 'never' } };
  const layer = new PythonLambdaLayer(stack, 'Packages', shared);
  // Another copy has another class.
  Object.setPrototypeOf(layer, lambda.LayerVersion.prototype);
  const props = { ...shared, packageName: 'app', handler: 'app.main.handler', layers: [layer] };
  new PythonLambdaFunction(stack, 'Fn', props);
  const { outdir } = synthesise(stack);
  const [{ zip }] = synthesisedFunctions(outdir);
  assert.ok(!names(zip).some((name) => name.startsWith('acme_greeting')), names(zip).join(' '));
});
