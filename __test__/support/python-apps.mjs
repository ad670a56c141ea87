// CDK apps in Python: the wheel of this package, and environments that have it.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { writeAll } from './files.mjs';
import { environmentPython, fullVersion, root, run } from './tools.mjs';
import { fixture } from './workspaces.mjs';

/** The wheel that `npm run build:python` makes. */
export function wheel() {
  const folder = path.join(root, 'dist/python');
  const name = existsSync(folder) && readdirSync(folder).find((file) => file.endsWith('.whl'));
  if (!name) {
    throw new Error('There is no wheel of this package: run `npm run build:python`.');
  }
  return path.join(folder, name);
}

/** Installs the app of `examples-python` with the wheel as it is now. The workspace has to be locked. */
export function installExampleApp(folder, { uv, python }) {
  // For uv, a wheel of a version that it knows is the one that it knows.
  const flags = ['--quiet', '--frozen', '--package', 'demo-cdk', '--reinstall-package', 'uv-lambda-cdk'];
  run(uv, ['sync', ...flags, '--python', python], { cwd: folder });
}

/**
 * The interpreter of an environment with the wheel as it is now. It is made once, below `.tools`.
 *
 * @param name a part of the name of its folder
 * @param packages what is installed beside the wheel, and flags of `uv pip install`
 */
export function appEnvironment(name, packages, { uv, interpreter }) {
  const folder = path.join(root, `.tools/python-app-${name}-${fullVersion(interpreter)}`);
  const python = environmentPython(folder);
  if (!existsSync(python)) {
    run(uv, ['venv', '--quiet', '--clear', '--python', interpreter, folder]);
  }
  const flags = ['--quiet', '--python', python, '--reinstall-package', 'uv-lambda-cdk'];
  run(uv, ['pip', 'install', ...flags, ...packages, wheel()]);
  return python;
}

/** The variables of the process of an app, beside those of this process. It neither uses nor fills the cache of the user. */
export function appVariables(uv) {
  return {
    PATH: `${path.dirname(uv)}${path.delimiter}${process.env.PATH}`,
    JSII_RUNTIME_PACKAGE_CACHE_ROOT: path.join(root, '.tools/jsii-package-cache'),
    // jsii warns of each Node whose support has ended.
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: process.versions.node.split('.')[0],
  };
}

/**
 * A workspace with the member `app` and with an app, `app.py`, which `cdk synth` runs.
 *
 * @param program the text of the app
 * @param python the interpreter of the app
 * @param pythonVersion the Python of the functions, as `3.13`
 */
export function appWorkspace(test, program, { python, pythonVersion }) {
  const folder = fixture(test);
  writeAll(folder, {
    'packages/app/src/app/lambda_function.py': 'from app.main import handler as lambda_handler\n',
    '.python-version': `${pythonVersion}\n`,
    'app.py': program,
    'cdk.json': JSON.stringify({ app: `${python} app.py` }),
  });
  return folder;
}

/** Runs an app of `__test__/python-apps` to its end: `{ stdout, stderr, outdir }`. Throws if it fails. */
export function runPythonApp(test, name, { python, pythonVersion, env }) {
  const program = readFileSync(path.join(root, '__test__/python-apps', name), 'utf8');
  const folder = appWorkspace(test, program, { python, pythonVersion });
  const outdir = path.join(folder, 'cdk.out');
  const { status, stdout, stderr } = spawnSync(python, ['app.py'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env, CDK_OUTDIR: outdir },
  });
  if (status !== 0) {
    throw new Error(`\`${name}\` failed\n${stderr}`);
  }
  return { stdout, stderr, outdir };
}
