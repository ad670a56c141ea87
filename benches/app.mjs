// A CDK app with some functions, in a new process for each measurement. It measures the work of CDK with a bundler while it
// makes the constructs: `tryBundle`, and the staging and hashing of the asset around it.
//
//   node benches/app.mjs <job as JSON>
//
// Writes what it measured to stdout, as JSON.

import * as path from 'node:path';
import { App, AssetHashType, DockerImage, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { PythonLambdaFunction, UvBundler } from '../index.js';
import { peakMemory } from '../__test__/support/peak-memory.cjs';
import { Recipe } from './recipe.mjs';

const job = JSON.parse(process.argv[2]);
const { contender, workspace, functions, environments, outdir, uv, python, reinstall } = job;
const runtime = lambda.Runtime.ALL.find(({ name }) => name === job.runtime);
const architecture = lambda.Architecture.custom(job.architecture);

/** Seconds of the last call of `tryBundle`. */
let tryBundleSeconds;

function timeTryBundle(prototype) {
  const original = prototype.tryBundle;
  prototype.tryBundle = function (...args) {
    const start = performance.now();
    try {
      return original.apply(this, args);
    } finally {
      tryBundleSeconds = (performance.now() - start) / 1000;
    }
  };
}
timeTryBundle(UvBundler.prototype);
timeTryBundle(Recipe.prototype);

/** Whether our last bundle was cached, by the line that it prints about each bundle. */
let isReused;
const writeError = process.stderr.write.bind(process.stderr);
process.stderr.write = (text, ...others) => {
  isReused ||= /^uv-lambda-cdk: .*\bunchanged, /.test(text);
  return writeError(text, ...others);
};

const CONTENDERS = {
  ours: (stack, { name, handler }) =>
    new PythonLambdaFunction(stack, name, {
      path: workspace,
      packageName: name,
      handler,
      runtime,
      architecture,
      // pandas with pyarrow is larger than a Lambda function may be; the other tools bundle it too.
      bundling: { uv, python, docker: 'never', maxSize: { unzipped: '400 MB' } },
    }),
  recipe: (stack, { name, handler }) =>
    new lambda.Function(stack, name, {
      handler,
      runtime,
      architecture,
      code: lambda.Code.fromAsset(workspace, {
        assetHashType: AssetHashType.OUTPUT,
        bundling: {
          image: DockerImage.fromRegistry('never-run'),
          local: new Recipe(name, { workspace, uv, python, reinstall, environment: path.join(environments, name) }),
        },
      }),
    }),
};

const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:enable-asset-metadata': true } });
const stack = new Stack(app, 'Stack');
const memoryBefore = peakMemory();
const measured = functions.map((wanted) => {
  tryBundleSeconds = undefined;
  isReused = false;
  const start = performance.now();
  const made = CONTENDERS[contender](stack, wanted);
  const seconds = (performance.now() - start) / 1000;
  if (tryBundleSeconds === undefined) {
    throw new Error(`CDK did not ask for \`${wanted.name}\` to be bundled`);
  }
  const asset = path.join(outdir, made.node.defaultChild.cfnOptions.metadata['aws:asset:path']);
  return { name: wanted.name, tryBundleSeconds, seconds, asset, isReused };
});
process.stdout.write(JSON.stringify({ functions: measured, memoryBefore, memory: peakMemory() }));
