// The constructs with other tools: other constructs of CDK that take code, the real `cdk` command (also for `cdk watch` and
// hotswap), and a unit test suite of an app.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { TriggerFunction } from 'aws-cdk-lib/triggers';
import { PythonLambdaCode } from '../index.js';
import { temporaryFolder, write, writeAll } from './support/files.mjs';
import { appSource, cdkSynth } from './support/synth.mjs';
import { interpreter, runtimeName, uv } from './support/toolchain.mjs';
import { root } from './support/tools.mjs';
import { manifest, virtualLock, workspace } from './support/workspaces.mjs';

test('the code is that of a SingletonFunction and of a TriggerFunction as well', (t) => {
  const outdir = path.join(temporaryFolder(t), 'cdk.out');
  const stack = new Stack(new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } }), 'Stack');
  const folder = workspace(t);
  const settings = { handler: 'one.handler', runtime: lambda.Runtime.PYTHON_3_13 };
  const code = () => PythonLambdaCode.fromProject({ path: folder, packageName: 'one', ...settings });
  // The second is the first again.
  for (const id of ['Singleton', 'Again']) {
    new lambda.SingletonFunction(stack, id, { uuid: '5a1e0b4c', description: 'single', code: code(), ...settings });
  }
  new TriggerFunction(stack, 'Trigger', { description: 'trigger', code: code(), ...settings });

  const template = Template.fromStack(stack);
  const functions = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties);
  for (const description of ['single', 'trigger']) {
    const found = functions.filter(({ Description }) => Description === description);
    assert.equal(found.length, 1, description);
    assert.equal(found[0].Handler, 'one.handler');
    assert.match(found[0].Code.S3Key, /^[0-9a-f]{64}\.zip$/);
  }
  template.resourceCountIs('Custom::Trigger', 1);
});

test('`cdk synth` writes what `cdk watch` and hotswap look for, for every construct that takes the code', (t) => {
  const folder = temporaryFolder(t);
  const project = path.join(folder, 'project');
  const files = {
    'pyproject.toml': manifest('app'),
    'uv.lock': virtualLock([['app', '.']]),
    'main.py': 'def handler(event, context):\n    return event\n',
  };
  writeAll(project, files);
  const app = path.join(folder, 'app.cjs');
  const output = path.join(folder, 'cdk.out');
  const body = `
    const { TriggerFunction } = need('aws-cdk-lib/triggers');
    const runtime = lambda.Runtime.ALL.find(({ name }) => name === '${runtimeName}');
    const bundling = ${JSON.stringify({ python: interpreter, uv, docker: 'never' })};
    const shared = { handler: 'main.handler', runtime };
    const project = { path: ${JSON.stringify(project)}, bundling };
    const code = () => PythonLambdaCode.fromProject({ ...project, ...shared });
    new PythonLambdaFunction(stack, 'Function', { ...project, ...shared, description: 'ours' });
    new lambda.SingletonFunction(stack, 'Singleton', { uuid: 'u', ...shared, code: code(), description: 'ours' });
    new TriggerFunction(stack, 'Trigger', { ...shared, code: code(), description: 'ours' });`;
  write(app, appSource({ body, outdir: output }));
  const { stdout } = cdkSynth({ folder, app, output, env: { CDK_VALIDATION: 'false' } });
  assert.equal(stdout, '');

  const { Resources } = JSON.parse(fs.readFileSync(path.join(output, 'Stack.template.json'), 'utf8'));
  const functions = Object.values(Resources).filter(({ Properties }) => Properties?.Description === 'ours');
  assert.equal(functions.length, 3);
  const zips = new Set();
  for (const { Metadata, Properties } of functions) {
    assert.equal(Metadata['aws:asset:property'], 'Code');
    assert.equal(Metadata['aws:asset:is-bundled'], true);
    const zip = Metadata['aws:asset:path'];
    assert.equal(zip, `asset.${Properties.Code.S3Key}`);
    assert.ok(fs.statSync(path.join(output, zip)).isFile());
    zips.add(zip);
  }
  assert.equal(zips.size, 1);
  // A build must not write into the folders that `cdk watch` watches, or it would never stop.
  assert.deepEqual(fs.readdirSync(project).sort(), Object.keys(files).sort());
});

test('a vitest suite of an app with twenty functions needs no uv, Python or any other program', (t) => {
  const report = path.join(temporaryFolder(t), 'report.json');
  const suite = path.join(root, '__test__/unit-suite');
  // Loaded as it is: vitest's own loader writes beside the file.
  const config = ['--root', suite, '--configLoader', 'native'];
  const args = ['run', ...config, '--reporter=json', `--outputFile=${report}`];
  const home = temporaryFolder(t);
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, 'node_modules/vitest/vitest.mjs'), ...args],
    // A PATH without programs.
    {
      cwd: suite,
      encoding: 'utf8',
      env: { PATH: home, HOME: home, USERPROFILE: home, SYSTEMROOT: process.env.SYSTEMROOT },
    },
  );
  assert.equal(status, 0, stdout + stderr);
  assert.doesNotMatch(stdout + stderr, /uv-lambda-cdk:|Bundling asset/);
  const { numPassedTests, numTotalTests } = JSON.parse(fs.readFileSync(report, 'utf8'));
  assert.deepEqual([numPassedTests, numTotalTests], [3, 3]);
  // The time depends on the machine: the number is only for a reader.
  t.diagnostic(`${((performance.now() - start) / 1000).toFixed(2)} s, start of vitest and loading of CDK included`);
});
