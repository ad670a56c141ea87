import { App } from 'aws-cdk-lib';
import { DemoStack } from '../lib/demo-stack';

const app = new App();

new DemoStack(app, 'DemoStack', {
  // `DEMO_PYTHON=3.12 cdk synth`, or `cdk synth --context python=3.12`.
  pythonVersion: process.env.DEMO_PYTHON ?? app.node.tryGetContext('python'),
});
