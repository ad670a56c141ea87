import { App } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { DemoStack } from '../lib/demo-stack';

const app = new App();

// `DEMO_PYTHON=3.12 cdk synth`, or `cdk synth --context python=3.12`.
const python = process.env.DEMO_PYTHON ?? app.node.tryGetContext('python');
// CDK's own constant: a runtime that is made from a name alone has no SnapStart.
const runtime = lambda.Runtime.ALL.find(({ name }) => name === `python${python}`);
if (python !== undefined && runtime === undefined) {
  throw new Error(`CDK has no runtime for Python ${python}`);
}

new DemoStack(app, 'DemoStack', { runtime });
