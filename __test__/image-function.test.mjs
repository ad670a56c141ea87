// The same bundle as an image: CDK gets a folder with a Dockerfile and the files. No container engine runs here.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { PythonLambdaImageFunction, bundleSync } from '../index.js';
import { temporaryFolder } from './support/files.mjs';
import { newStack, runtimeOf, synthesise } from './support/stacks.mjs';
import { interpreter, options, pythonVersion, uv } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';
import { zipNames } from './support/zips.mjs';

const HANDLER = 'app.main.handler';

const props = (folder, others = {}) => ({
  path: folder,
  packageName: 'app',
  handler: HANDLER,
  runtime: runtimeOf(pythonVersion),
  bundling: { uv, python: interpreter, docker: 'never', ...others },
});

/** The images of a synthesised stack: `[{ folder, platform, hash }]`. */
function images(outdir) {
  const { dockerImages } = JSON.parse(fs.readFileSync(path.join(outdir, 'Stack.assets.json'), 'utf8'));
  return Object.entries(dockerImages).map(([hash, { source }]) => ({
    hash,
    platform: source.platform,
    folder: path.resolve(outdir, source.directory),
  }));
}

/** All files below a folder, by their paths in it. */
const filesOf = (folder) =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();

test('the image has the files of the zip, and starts the handler', (t) => {
  const workspace = fixture(t);
  const stack = newStack(t);
  new PythonLambdaImageFunction(stack, 'Fn', { ...props(workspace), memorySize: 512 });
  const { template, outdir } = synthesise(stack);
  const [{ folder, platform }, ...others] = images(outdir);
  assert.deepEqual(others, []);
  assert.equal(platform, 'linux/amd64');
  assert.equal(
    fs.readFileSync(path.join(folder, 'Dockerfile'), 'utf8'),
    `FROM public.ecr.aws/lambda/python:${pythonVersion}\nCOPY files/ \${LAMBDA_TASK_ROOT}/\nCMD ["${HANDLER}"]\n`,
  );
  const { zipPath } = bundleSync(options(workspace), temporaryFolder(t));
  assert.deepEqual(filesOf(path.join(folder, 'files')), zipNames(zipPath).sort());

  const { Properties } = Object.values(template.Resources).find(({ Type }) => Type === 'AWS::Lambda::Function');
  assert.equal(Properties.PackageType, 'Image');
  assert.equal(Properties.MemorySize, 512);
  assert.deepEqual(Properties.Architectures, ['x86_64']);
  // What it was staged from is gone.
  assert.deepEqual(
    fs.readdirSync(outdir).filter((name) => name.startsWith('uv-lambda-cdk')),
    [],
  );
});

test('the same contents have the same hash, and others another', (t) => {
  const workspace = fixture(t);
  const hash = (others = {}) => {
    const stack = newStack(t);
    new PythonLambdaImageFunction(stack, 'Fn', { ...props(workspace), ...others });
    return images(synthesise(stack).outdir)[0].hash;
  };
  const first = hash();
  assert.equal(hash(), first);
  const digest = `public.ecr.aws/lambda/python@sha256:${'0'.repeat(64)}`;
  assert.notEqual(hash({ baseImage: digest }), first);
  fs.appendFileSync(path.join(workspace, 'packages/app/src/app/main.py'), '\nCHANGED = True\n');
  assert.notEqual(hash(), first);
});

test('two functions of one bundle have a Dockerfile each', (t) => {
  const stack = newStack(t);
  const workspace = fixture(t);
  new PythonLambdaImageFunction(stack, 'One', props(workspace));
  new PythonLambdaImageFunction(stack, 'Two', { ...props(workspace), architecture: lambda.Architecture.X86_64 });
  new PythonLambdaImageFunction(stack, 'Three', { ...props(workspace), baseImage: 'example.com/base:1' });
  assert.equal(images(synthesise(stack).outdir).length, 2);
});

test('a bundle larger than a zip may be is an image', (t) => {
  const workspace = fixture(t);
  const data = path.join(workspace, 'packages/library/src/library/data.bin');
  fs.writeFileSync(data, '');
  fs.truncateSync(data, 260 * 1024 * 1024);
  assert.throws(() => bundleSync(options(workspace), temporaryFolder(t)), {
    code: 'BUNDLE_TOO_LARGE',
    message: /`PythonLambdaImageFunction`/,
  });
  const stack = newStack(t);
  new PythonLambdaImageFunction(stack, 'Fn', props(workspace));
  const [{ folder }] = images(synthesise(stack).outdir);
  assert.equal(fs.statSync(path.join(folder, 'files/library/data.bin')).size, 260 * 1024 * 1024);
  const limited = { maxSize: { unzipped: '100 MB' } };
  assert.throws(() => new PythonLambdaImageFunction(newStack(t), 'Fn', props(workspace, limited)), /BUNDLE_TOO_LARGE/);
});

test('layers are an error, since Lambda gives functions with an image none', (t) => {
  const stack = newStack(t);
  const layers = [
    lambda.LayerVersion.fromLayerVersionArn(stack, 'Layer', 'arn:aws:lambda:eu-west-1:123456789012:layer:a:1'),
  ];
  assert.throws(() => new PythonLambdaImageFunction(stack, 'Fn', { ...props(fixture(t)), layers }), /[Ll]ayers/);
});

test('where nothing is bundled, nothing is built or unpacked', (t) => {
  const outdir = path.join(temporaryFolder(t), 'cdk.out');
  const stack = new Stack(new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } }), 'Stack');
  new PythonLambdaImageFunction(stack, 'Fn', { ...props(fixture(t)), bundling: { uv: '/no/such/uv' } });
  const [{ folder }] = images(synthesise(stack).outdir);
  assert.deepEqual(filesOf(folder), ['Dockerfile']);
});

test('an app without staging finds the folder where it was made', (t) => {
  const stack = newStack(t, { context: { 'aws:cdk:disable-asset-staging': true } });
  new PythonLambdaImageFunction(stack, 'Fn', props(fixture(t)));
  const [{ folder }] = images(synthesise(stack).outdir);
  assert.ok(filesOf(folder).includes('Dockerfile'));
});
