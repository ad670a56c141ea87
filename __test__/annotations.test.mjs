// Warnings of a build are annotations of CDK: `--strict` fails on them, and an app can acknowledge them.

import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { Annotations } from 'aws-cdk-lib';
import { Annotations as Found, Match } from 'aws-cdk-lib/assertions';
import { PythonLambdaFunction } from '../index.js';
import { temporaryFolder, write } from './support/files.mjs';
import { newStack, runtimeOf } from './support/stacks.mjs';
import { appSource, cdkSynth } from './support/synth.mjs';
import { interpreter, pythonVersion, uv } from './support/toolchain.mjs';
import { fixture, workspace } from './support/workspaces.mjs';

/** Props of a function whose build warns: it is larger than its app wants. */
const warning = (folder) => ({
  path: folder,
  packageName: 'app',
  handler: 'app.main.handler',
  runtime: runtimeOf(pythonVersion),
  bundling: { uv, python: interpreter, docker: 'never', maxSize: { unzipped: '1 kB', onExceed: 'warn' } },
});

const ID = 'uv-lambda-cdk:BUNDLE_TOO_LARGE';

test('a warning stands at the construct, under an id, also where CDK builds equal bundles once', (t) => {
  const stack = newStack(t);
  const folder = fixture(t);
  for (const id of ['First', 'Second']) {
    new PythonLambdaFunction(stack, id, warning(folder));
    const text = Match.stringLikeRegexp(`the bundle of \`app\` is .* \\[ack: ${ID}\\]`);
    Found.fromStack(stack).hasWarning(`/Stack/${id}`, text);
  }
});

test('a warning about the Python of this machine stands at the first function only', (t) => {
  const stack = newStack(t);
  const folder = workspace(t);
  for (const packageName of ['one', 'two']) {
    const handler = `${packageName}.handler`;
    const bundling = { uv, docker: 'never' };
    new PythonLambdaFunction(stack, packageName, {
      path: folder,
      packageName,
      handler,
      runtime: runtimeOf(pythonVersion),
      bundling,
    });
  }
  const warnings = Found.fromStack(stack).findWarning('*', Match.stringLikeRegexp('PYTHON_NOT_PINNED'));
  assert.deepEqual(
    warnings.map(({ id }) => id),
    ['/Stack/one'],
  );
});

test('an acknowledged warning is silent', (t) => {
  const stack = newStack(t);
  Annotations.of(stack).acknowledgeWarning(ID, 'we know');
  new PythonLambdaFunction(stack, 'Fn', warning(fixture(t)));
  Found.fromStack(stack).hasNoWarning('*', Match.anyValue());
});

test('`cdk synth --strict` fails on a warning, and prints it once', (t) => {
  const folder = temporaryFolder(t);
  const app = path.join(folder, 'app.cjs');
  const { runtime: _, ...props } = warning(fixture(t));
  const functions = `{ Fn: { ...${JSON.stringify(props)}, runtime: lambda.Runtime.ALL.find(({ name }) => name === 'python${pythonVersion}') } }`;
  write(app, appSource({ functions }));
  const synth = { folder, app, output: path.join(folder, 'cdk.out'), env: { CDK_VALIDATION: 'false' } };
  const { stderr } = cdkSynth(synth);
  assert.equal(stderr.split('more than the option').length, 2, stderr);
  assert.throws(() => cdkSynth({ ...synth, flags: ['--strict'] }), /--strict/);
});
