// The constructs with the oldest CDK that the package claims, and with `cdk diff`.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { copyPackage, edit, sha256, temporaryFolder, write } from './support/files.mjs';
import { PACKAGE } from './support/jsii.mjs';
import { appSource, cdkSynth, synthesisedFunctions } from './support/synth.mjs';
import { interpreter, pythonVersion, uv } from './support/toolchain.mjs';
import { root } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';

const shared = (workspace) =>
  JSON.stringify({ path: workspace, bundling: { uv, python: interpreter, docker: 'never' } });

/** Functions of all kinds, in the source of an app. */
const body = (workspace) => `
  const { PythonLambdaImageFunction, PythonLambdaLayer } = require('uv-lambda-cdk');
  const runtime = lambda.Runtime.ALL.find(({ name }) => name === 'python${pythonVersion}');
  const project = { ...${shared(workspace)}, packageName: 'app', handler: 'app.main.handler', runtime };
  const { packageName, handler, ...ofLayer } = project;
  const layers = [new PythonLambdaLayer(stack, 'Layer', ofLayer)];
  new PythonLambdaFunction(stack, 'Fn', { ...project, layers });
  new PythonLambdaImageFunction(stack, 'Image', project);
  const { bundling, path, ...plain } = project;
  new lambda.Function(stack, 'Plain', { runtime, handler, code: PythonLambdaCode.fromProject(project) });`;

test('the oldest CDK builds the same zips as the newest', (t) => {
  const workspace = fixture(t);
  const zips = [path.join(root, 'node_modules'), path.join(PACKAGE, 'node_modules')].map((modules) => {
    const folder = temporaryFolder(t);
    copyPackage(path.join(folder, 'node_modules/uv-lambda-cdk'));
    for (const name of ['aws-cdk-lib', 'constructs']) {
      fs.symlinkSync(path.join(modules, name), path.join(folder, 'node_modules', name));
    }
    const outdir = path.join(folder, 'cdk.out');
    const source = appSource({ body: body(workspace), outdir, synthesise: true })
      .replace(/createRequire\(.*?\)/, 'createRequire(__filename)')
      .replace("need('./index.js')", "need('uv-lambda-cdk')");
    write(path.join(folder, 'app.cjs'), source);
    const { status, stderr } = spawnSync(process.execPath, ['app.cjs'], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const functions = synthesisedFunctions(outdir).filter(({ key }) => key !== undefined);
    assert.equal(functions.length, 2);
    return functions.map(({ zip }) => sha256(zip));
  });
  const { version } = JSON.parse(fs.readFileSync(path.join(PACKAGE, 'node_modules/aws-cdk-lib/package.json'), 'utf8'));
  assert.equal(version, '2.200.0');
  assert.deepEqual(zips[0], zips[1]);
});

test('`cdk diff` shows a changed function, and nothing where nothing changed', (t) => {
  const folder = temporaryFolder(t);
  const workspace = fixture(t);
  const app = path.join(folder, 'app.cjs');
  const functions = `{ Fn: { ...${shared(workspace)}, packageName: 'app', handler: 'app.main.handler',
    runtime: lambda.Runtime.ALL.find(({ name }) => name === 'python${pythonVersion}') } }`;
  write(app, appSource({ functions }));
  cdkSynth({ folder, app, output: path.join(folder, 'before') });
  const diff = () => {
    const args = ['diff', '--no-notices', '--no-color', '--app', `${process.execPath} ${app}`, '--output', 'after'];
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(root, 'node_modules/aws-cdk/bin/cdk'), ...args, '--template', 'before/Stack.template.json', 'Stack'],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, CI: undefined } },
    );
    return stdout + stderr;
  };
  assert.match(diff(), /There were no differences/);
  edit(path.join(workspace, 'packages/app/src/app/main.py'), 'def handler', 'CHANGED = True\n\n\ndef handler');
  const changed = diff();
  assert.match(changed, /AWS::Lambda::Function Fn/);
  assert.match(changed, /\.S3Key/);
  assert.equal(changed.match(/\[~\]/g).length > 0, true);
});
