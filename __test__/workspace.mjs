// What the tests stand on: a throw-away folder, a uv workspace in it, and a container engine that only takes notes.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { write } from '../scripts/tools.mjs';

export const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** A folder that is gone when the test is over. */
export function temporaryFolder(test) {
  // The real path: macOS has its temporary folder behind a symbolic link.
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'uv-lambda-cdk-test-')));
  test.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A locked workspace of two members, `one` and `two`, that nobody ever has to install. */
export function workspace(test, folder = path.join(temporaryFolder(test), 'workspace')) {
  write(path.join(folder, 'pyproject.toml'), '[tool.uv.workspace]\nmembers = ["packages/*"]\n');
  const members = ['one', 'two'];
  for (const name of members) {
    write(
      path.join(folder, 'packages', name, 'pyproject.toml'),
      `[project]\nname = "${name}"\nversion = "0.1.0"\nrequires-python = ">=3.9"\ndependencies = []\n`,
    );
    write(path.join(folder, 'packages', name, name, '__init__.py'), 'def handler(event, context):\n    return event\n');
  }
  const locked = members.map(
    (name) => `\n[[package]]\nname = "${name}"\nversion = "0.1.0"\nsource = { virtual = "packages/${name}" }\n`,
  );
  write(
    path.join(folder, 'uv.lock'),
    `version = 1\nrevision = 3\nrequires-python = ">=3.9"\n\n[manifest]\nmembers = ["one", "two"]\n${locked.join('')}`,
  );
  return folder;
}

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
