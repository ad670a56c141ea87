// What the tests stand on: a throw-away folder, a uv workspace in it, and a container engine that only takes notes.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { temporaryFolder, write } from './support/files.mjs';
import { root } from './support/tools.mjs';

export { temporaryFolder } from './support/files.mjs';
export { workspace } from './support/workspaces.mjs';
export const repository = root;

/**
 * A stand-in for Docker (`CDK_DOCKER`): notes how it was called, and leaves the note as the code in `/asset-output`.
 * Nothing of ours is replaced: this is the process that CDK starts.
 */
export function containerEngine(test) {
  const folder = temporaryFolder(test);
  const notes = path.join(folder, 'notes');
  const program = path.join(folder, 'docker.cjs');
  write(
    program,
    `#!${process.execPath}
const fs = require('node:fs');
const call = process.argv.slice(2);
fs.appendFileSync(${JSON.stringify(notes)}, JSON.stringify(call) + '\\n');
if (call[0] === 'image') process.exit(1); // No image was made before.
if (call[0] === 'run') process.stderr.write('the container engine runs\\n');
const mount = call.find((argument) => argument.endsWith(':/asset-output:delegated'));
const output = mount ? mount.slice(0, -':/asset-output:delegated'.length) : call[0] === 'cp' && call[1].endsWith(':/asset-output/.') && call[2];
if (output) fs.writeFileSync(output + '/code.py', '# ' + call.join(' '));
`,
  );
  fs.chmodSync(program, 0o755);
  const calls = () =>
    fs.existsSync(notes)
      ? fs
          .readFileSync(notes, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : [];
  const makesImage = ([verb]) => ['image', 'build'].includes(verb);
  return {
    program,
    /** The arguments of each call so far, less those that make an image. */
    calls: () => calls().filter((call) => !makesImage(call)),
    /** The arguments of each call so far that made an image. */
    builds: () => calls().filter(([verb]) => verb === 'build'),
  };
}

/**
 * Runs an app in a Node of its own: `functions` is the source of an object with props of `PythonLambdaFunction` by id.
 * The machine that this Node sees has an empty PATH unless `env` says otherwise: no uv, no Python. CDK bundles while
 * constructs are made, so the app is synthesised only where the test wants its template; that takes seconds.
 */
export function runApp(test, { functions, context = {}, env = {}, cwd = repository, synthesise = false }) {
  const outdir = path.join(temporaryFolder(test), 'cdk.out');
  const home = temporaryFolder(test);
  const program = `
    process.chdir(${JSON.stringify(cwd)});
    const { App, Stack, DockerImage, BundlingFileAccess } = require('aws-cdk-lib');
    const lambda = require('aws-cdk-lib/aws-lambda');
    const { PythonLambdaFunction } = require(${JSON.stringify(repository)});
    const app = new App({ outdir: ${JSON.stringify(outdir)}, context: ${JSON.stringify(context)}, analyticsReporting: false });
    const stack = new Stack(app, 'Stack');
    for (const [id, props] of Object.entries(${functions})) {
      new PythonLambdaFunction(stack, id, props);
    }
    if (${synthesise}) {
      app.synth();
    }
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--eval', program], {
    // Where `require` finds CDK; the app works in the folder that it changes to.
    cwd: repository,
    encoding: 'utf8',
    env: {
      PATH: temporaryFolder(test),
      HOME: home,
      USERPROFILE: home,
      SYSTEMROOT: process.env.SYSTEMROOT ?? '',
      ...env,
    },
  });
  const template = path.join(outdir, 'Stack.template.json');
  return {
    status,
    stdout,
    outdir,
    // A checkout need not have the executables that a real container would run.
    stderr: stderr.replace(/^uv-lambda-cdk: .* is missing: run `npm run build:executables`\n/gm, ''),
    assets: fs.existsSync(outdir) ? fs.readdirSync(outdir).filter((name) => name.startsWith('asset.')) : [],
    template: fs.existsSync(template) ? JSON.parse(fs.readFileSync(template, 'utf8')) : undefined,
  };
}

/** The object keys of the code of every function in a template. */
export function codeKeys(template) {
  const functions = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  return functions.map(({ Properties }) => Properties.Code.S3Key);
}
