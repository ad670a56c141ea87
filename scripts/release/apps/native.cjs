// An app whose function needs a package without a wheel, so that a container has to build its zip.

const { App, DockerImage, Stack } = require('aws-cdk-lib');
const lambda = require('aws-cdk-lib/aws-lambda');
const { PythonLambdaFunction } = require('uv-lambda-cdk');

const app = new App();
new PythonLambdaFunction(new Stack(app, 'Native'), 'Function', {
  path: process.env.REHEARSED_WORKSPACE,
  packageName: 'app',
  handler: 'app.native.handler',
  runtime: lambda.Runtime.PYTHON_3_11,
  bundling: {
    image: DockerImage.fromRegistry(process.env.REHEARSED_IMAGE),
    network: 'host',
    environment: { SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt' },
  },
});
app.synth();
