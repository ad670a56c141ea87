// CDK apps in processes of their own, and the `cdk` command.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { temporaryFolder, write } from './files.mjs';
import { root } from './tools.mjs';

/**
 * The source of a CDK app, whose names are those of this package and of CDK.
 *
 * @param functions the source of an object: props of `PythonLambdaFunction` by id
 * @param body more source, which sees the `stack`
 * @param synthesise whether the app calls `synth()` itself
 */
export function appSource({ functions = '{}', body = '', outdir, context = {}, cwd, synthesise = false }) {
  return `
    const need = require('node:module').createRequire(${JSON.stringify(path.join(root, 'index.js'))});
    ${cwd === undefined ? '' : `process.chdir(${JSON.stringify(cwd)});`}
    const { App, Stack, DockerImage, BundlingFileAccess } = need('aws-cdk-lib');
    const lambda = need('aws-cdk-lib/aws-lambda');
    const { PythonLambdaCode, PythonLambdaFunction } = need('./index.js');
    const app = new App(${JSON.stringify({ outdir, context, analyticsReporting: false })});
    const stack = new Stack(app, 'Stack');
    for (const [id, props] of Object.entries(${functions})) {
      new PythonLambdaFunction(stack, id, props);
    }
    ${body}
    ${synthesise ? 'app.synth();' : ''}
  `;
}

/** An app to be started: the command, its environment, and what to read when it has ended. */
function prepareApp(test, { env = {}, ...app }) {
  const outdir = path.join(temporaryFolder(test), 'cdk.out');
  const home = temporaryFolder(test);
  // A file: the source may contain secrets, and command lines are visible to everybody.
  const file = path.join(temporaryFolder(test), 'app.cjs');
  write(file, appSource({ ...app, outdir }));
  const command = [process.execPath, file];
  const environment = {
    PATH: temporaryFolder(test),
    HOME: home,
    USERPROFILE: home,
    SYSTEMROOT: process.env.SYSTEMROOT ?? '',
    ...env,
  };
  const outcome = ({ status, stdout, stderr }) => {
    const template = path.join(outdir, 'Stack.template.json');
    const names = fs.existsSync(outdir) ? fs.readdirSync(outdir) : [];
    return {
      status,
      stdout,
      outdir,
      // A checkout need not have the executables that run in a real container.
      stderr: stderr.replace(/^uv-lambda-cdk: .*, which builds in the container, is missing: .*\n/gm, ''),
      assets: names.filter((name) => name.startsWith('asset.')),
      template: fs.existsSync(template) ? JSON.parse(fs.readFileSync(template, 'utf8')) : undefined,
    };
  };
  return { command, settings: { cwd: root, env: environment }, outcome };
}

/**
 * Runs an app in a Node of its own: `{ status, stdout, stderr, outdir, assets, template }`. Unless `env` says otherwise, its
 * PATH is empty: it finds neither uv nor Python. CDK bundles while constructs are made, so only a test that needs the
 * template has to synthesise, which takes seconds.
 *
 * @param app as for `appSource`
 */
export function runApp(test, app) {
  const { command, settings, outcome } = prepareApp(test, app);
  return outcome(spawnSync(command[0], command.slice(1), { ...settings, encoding: 'utf8' }));
}

/** The same, without blocking; calls `watch` every 20 milliseconds until the app ends. */
export async function runAppWatched(test, app, watch) {
  const { command, settings, outcome } = prepareApp(test, app);
  const child = spawn(command[0], command.slice(1), settings);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => (output[stream] += text));
  }
  const timer = setInterval(watch, 20);
  const [status] = await once(child, 'close');
  clearInterval(timer);
  return outcome({ status, ...output });
}

/**
 * Synthesises an app with the real `cdk` command: `{ stdout, stderr }`.
 *
 * @param folder the working directory
 * @param app the file of the app, and `output` the folder that it is synthesised to; by default as `cdk.json` says
 * @param flags more flags of the command
 */
export function cdkSynth({ folder, app, output, flags = [], env = {} }) {
  const cdk = path.join(root, 'node_modules/aws-cdk/bin/cdk');
  const places = [
    ...(app === undefined ? [] : ['--app', `${process.execPath} ${app}`]),
    ...(output === undefined ? [] : ['--output', output]),
  ];
  const result = spawnSync(process.execPath, [cdk, 'synth', '--quiet', '--no-notices', ...places, ...flags], {
    cwd: folder,
    encoding: 'utf8',
    // With the variable CI, the command writes its messages to standard output.
    env: { ...process.env, CI: undefined, ...env },
  });
  if (result.status !== 0) {
    throw new Error(`\`cdk synth\` failed\n${result.stdout}${result.stderr}`);
  }
  return { stdout: result.stdout, stderr: result.stderr };
}

/** The Lambda functions of a synthesised stack: `[{ handler, key, zip, properties, metadata }]`. */
export function synthesisedFunctions(outdir, stack = 'Stack') {
  const { Resources } = JSON.parse(fs.readFileSync(path.join(outdir, `${stack}.template.json`), 'utf8'));
  return Object.values(Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties, Metadata }) => ({
      handler: Properties.Handler,
      key: Properties.Code.S3Key,
      zip: path.join(outdir, `asset.${Properties.Code.S3Key}`),
      properties: Properties,
      metadata: Metadata,
    }));
}

/** The object keys of the code of every function in a template. */
export function codeKeys(template) {
  const functions = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return functions.map(({ Properties }) => Properties.Code.S3Key);
}
