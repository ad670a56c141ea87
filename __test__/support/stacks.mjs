// CDK stacks in the process of a test.

import * as path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { temporaryFolder } from './files.mjs';

/** Context in which CDK bundles nothing, as if another stack were named on the command line. */
export const NO_BUNDLING = { 'aws:cdk:bundling-stacks': [] };

/** A stack of a new app. `synthesise` gives its template and the folder of the assets. */
export function newStack(test, { context = {} } = {}) {
  const app = new App({ outdir: path.join(temporaryFolder(test), 'cdk.out'), context, analyticsReporting: false });
  return new Stack(app, 'Stack');
}

/** Synthesises the app of a stack: `{ template, outdir }`. */
export function synthesise(stack) {
  const assembly = stack.node.root.synth();
  return { template: assembly.getStackByName(stack.stackName).template, outdir: assembly.directory };
}

/** The properties of the Lambda functions of a stack. */
export function functionsOf(stack) {
  const functions = Template.fromStack(stack).findResources('AWS::Lambda::Function');
  return Object.values(functions).map(({ Properties }) => Properties);
}

/** CDK's runtime of a version of Python, as `3.13`. */
export const runtimeOf = (pythonVersion) => lambda.Runtime.ALL.find(({ name }) => name === `python${pythonVersion}`);
