// The image of `PythonLambdaImageFunction`, built by a real container engine and answering through AWS's runtime client. AWS's own base
// image cannot be pulled everywhere, so another one stands in for it: a Debian with the same client as its entry point.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { PythonLambdaImageFunction } from '../index.js';
import { IMAGE, IMAGE_PYTHON, runPodman, skipWithoutContainers } from './support/containers.mjs';
import { temporaryFolder, write } from './support/files.mjs';
import { invokeImage } from './support/invoke.mjs';
import { newStack, synthesise } from './support/stacks.mjs';
import { uv } from './support/toolchain.mjs';
import { ensureRuntimeClient } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';

const BASE = 'localhost/uv-lambda-cdk-test-base:3.11';

/** Builds an image from the folder of a Dockerfile. */
const build = (folder, image) => runPodman(['build', '--quiet', '--tag', image, folder]);

/** Builds the stand-in for AWS's base image: Lambda's folder and variable, and the runtime client, which gets the handler. */
function buildBase(t) {
  const folder = temporaryFolder(t);
  const client = path.join(path.dirname(ensureRuntimeClient(IMAGE_PYTHON, uv)), '../lib/python3.11/site-packages');
  fs.cpSync(client, path.join(folder, 'client'), { recursive: true });
  write(
    path.join(folder, 'Dockerfile'),
    [
      `FROM ${IMAGE}`,
      'COPY client /opt/client',
      'ENV LAMBDA_TASK_ROOT=/var/task PYTHONPATH=/var/task:/opt/client AWS_REGION=eu-west-1',
      'WORKDIR /var/task',
      'ENTRYPOINT ["python3", "-m", "awslambdaric"]',
      '',
    ].join('\n'),
  );
  build(folder, BASE);
}

test('the function answers from its image', { skip: skipWithoutContainers() }, async (t) => {
  buildBase(t);
  const stack = newStack(t);
  new PythonLambdaImageFunction(stack, 'Fn', {
    path: fixture(t),
    packageName: 'app',
    handler: 'app.main.handler',
    runtime: lambda.Runtime.PYTHON_3_11,
    baseImage: BASE,
    bundling: { uv, python: IMAGE_PYTHON, docker: 'never' },
  });
  const { outdir } = synthesise(stack);
  const { dockerImages } = JSON.parse(fs.readFileSync(path.join(outdir, 'Stack.assets.json'), 'utf8'));
  const [{ source }] = Object.values(dockerImages);
  const image = 'localhost/uv-lambda-cdk-test-function:3.11';
  build(path.resolve(outdir, source.directory), image);
  const answers = await invokeImage({ image, events: [{ name: 'Ada' }, { name: 'Grace' }] });
  assert.equal(answers.length, 2);
  assert.match(JSON.stringify(answers[0]), /Ada/);
});
