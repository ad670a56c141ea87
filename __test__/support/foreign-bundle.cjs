// Run by Node of another platform, in a folder in which this package is installed: bundles as `settings.json` says, perhaps synthesizes an
// app with the same function for both CPUs, and writes `report.json`.

'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { isMusl, variables, options, requests, output, withApp } = JSON.parse(fs.readFileSync('settings.json', 'utf8'));
Object.assign(process.env, variables);

if (isMusl) {
  // The loader of the add-on recognises musl by this program, and here it is that of glibc.
  const { readFileSync } = fs;
  fs.readFileSync = (file, ...others) =>
    file === '/usr/bin/ldd' ? '#!/bin/sh\n# musl\n' : readFileSync(file, ...others);
}

const { bundleSync } = require('uv-lambda-cdk');

const bundles = requests.map((request, number) => {
  const { zipPath, sha256, reused, warnings } = bundleSync(
    { ...options, ...request },
    path.join(output, String(number)),
  );
  return { zipPath, sha256, reused, warnings };
});

if (withApp) {
  synthesize(requests[0]);
}

const report = {
  node: process.version,
  platform: process.platform,
  cpu: process.arch,
  addOns: Object.keys(require.cache).filter((file) => file.endsWith('.node')),
  bundles,
};
fs.writeFileSync('report.json', JSON.stringify(report));

/** Synthesizes an app with the function of a request, for both CPUs, into `cdk.out`. */
function synthesize({ packageName, runtime }) {
  const { App, Stack } = require('aws-cdk-lib');
  const { Architecture, Runtime, RuntimeFamily } = require('aws-cdk-lib/aws-lambda');
  const { PythonLambdaFunction } = require('uv-lambda-cdk');
  const { path: workspace, ...bundling } = options;
  const app = new App({ outdir: path.resolve('cdk.out') });
  const stack = new Stack(app, 'Stack');
  for (const architecture of [Architecture.X86_64, Architecture.ARM_64]) {
    new PythonLambdaFunction(stack, `Function ${architecture.name}`, {
      path: workspace,
      packageName,
      handler: 'app.main.handler',
      runtime: new Runtime(runtime, RuntimeFamily.PYTHON),
      architecture,
      bundling: { ...bundling, docker: 'never' },
    });
  }
  app.synth();
}
