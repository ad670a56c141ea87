// Complete bundling options for assets of an app's own: this machine builds and, where it cannot, a container with our command does.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { AssetHashType } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { UvBundling, bundleSync } from '../index.js';
import { containerEngine, noEngine } from './support/container-engine.mjs';
import { sha256, temporaryFolder } from './support/files.mjs';
import { newStack, synthesise } from './support/stacks.mjs';
import { runApp } from './support/synth.mjs';
import { options } from './support/toolchain.mjs';
import { fixture, workspace } from './support/workspaces.mjs';

test('an asset has the zip that `bundle` builds', (t) => {
  const folder = fixture(t);
  const stack = newStack(t);
  const bundling = UvBundling.create(options(folder), { docker: 'never' });
  new Asset(stack, 'Code', { path: folder, assetHashType: AssetHashType.OUTPUT, bundling });
  const { outdir } = synthesise(stack);
  const [zip, ...others] = fs.readdirSync(outdir).filter((name) => name.endsWith('.zip'));
  assert.deepEqual(others, []);
  assert.equal(sha256(path.join(outdir, zip)), bundleSync(options(folder), temporaryFolder(t)).sha256);
});

test('where this machine has no uv, the container gets the command that builds', { skip: noEngine }, (t) => {
  const engine = containerEngine(t);
  const folder = JSON.stringify(workspace(t));
  const body = `
    const { AssetHashType } = need('aws-cdk-lib');
    const { Asset } = need('aws-cdk-lib/aws-s3-assets');
    const { UvBundling } = need('./index.js');
    const bundling = UvBundling.create({ path: ${folder}, packageName: 'one', runtime: 'python3.13' });
    new Asset(stack, 'Code', { path: ${folder}, assetHashType: AssetHashType.OUTPUT, bundling });`;
  const { status, stderr } = runApp(t, { body, env: { CDK_DOCKER: engine.program } });
  assert.equal(status, 0, stderr);
  const [call] = engine.calls();
  assert.match(call.join(' '), /\/uv-lambda-cdk\/bin\/uv-lambda-cdk-x86_64 bundle --options \{/);
});

test('a mode that does not exist is an error', (t) => {
  assert.throws(() => UvBundling.create({ path: workspace(t), runtime: 'python3.13' }, { docker: 'sometimes' }), {
    code: 'INVALID_OPTIONS',
    message: /^INVALID_OPTIONS: the option `bundling.docker` is `sometimes`/,
  });
});
