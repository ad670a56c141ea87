// Installs the packages of a release in a fresh folder of this machine, without a registry, and builds the examples there: by the real
// `cdk synth`, with an app in TypeScript and with one in Python, and for the other CPU on the command line. Needs what
// `npm run release:pack` made, Node, and Python with pip; no Rust.
//
//   node scripts/release/try-packages.mjs <platform> <file>       writes the sha256 of each zip into the file
//   node scripts/release/try-packages.mjs --compare <file>...     fails if the files of several machines differ

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { edit, sha256, write } from '../../__test__/support/files.mjs';
import { installExampleApp, wheel } from '../../__test__/support/python-apps.mjs';
import { synthesisedFunctions } from '../../__test__/support/synth.mjs';
import { ensureUv, findPython, root, run } from '../../__test__/support/tools.mjs';
import { copyExample, lock } from '../../__test__/support/workspaces.mjs';
import { ADD_ONS } from '../native/add-ons.mjs';

/** The CPython that compiles on all machines, which makes the bytes comparable. */
const PYTHON = process.env.TRY_PYTHON ?? '3.13.9';

/** The functions of the examples. */
const FUNCTIONS = ['demo-lambda1', 'demo-lambda2'];

const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

/** The tarballs that a user of this platform downloads. */
function tarballs(platform) {
  const names = ['uv-lambda-cdk', `uv-lambda-cdk-binding-${platform}`, 'uv-lambda-cdk-container'];
  return names.map((name) => path.join(root, 'dist/npm', `${name}-${manifest.version}.tgz`));
}

/** Puts both examples into a folder, installs the npm packages there, and puts the wheel where the example in Python looks for it. */
function install(folder, platform) {
  for (const name of ['examples-ts', 'examples-python']) {
    copyExample(name, path.join(folder, name), ['uv.lock']);
    write(path.join(folder, name, '.python-version'), `${PYTHON}\n`);
  }
  fs.cpSync(path.join(root, 'dist/python'), path.join(folder, 'dist/python'), { recursive: true });
  // Exactly the version of the wheel: PyPI may have another one.
  const [, version] = path.basename(wheel()).split('-');
  edit(path.join(folder, 'examples-python/cdk/pyproject.toml'), 'uv-lambda-cdk>=0.1', `uv-lambda-cdk==${version}`);
  write(path.join(folder, 'package.json'), '{ "private": true }\n');
  const others = ['aws-cdk', 'aws-cdk-lib', 'constructs', 'tsx'].map(
    (name) => `${name}@${manifest.devDependencies[name]}`,
  );
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs(platform), ...others], { cwd: folder, show: true });
}

/** The uv and the Python of the examples, and the variables of the processes that build them. */
function prepareTools(folder) {
  const uv = ensureUv();
  if (findPython(PYTHON, uv) === undefined) {
    run(uv, ['python', 'install', PYTHON], { show: true });
  }
  const python = findPython(PYTHON, uv);
  const env = {
    ...process.env,
    // With this variable, the `cdk` command writes its messages to standard output.
    CI: undefined,
    PATH: `${path.dirname(uv)}${path.delimiter}${process.env.PATH}`,
    // For `uv run`, which starts the app in Python.
    UV_PYTHON: python,
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: process.versions.node.split('.')[0],
    JSII_RUNTIME_PACKAGE_CACHE_ROOT: path.join(folder, 'jsii-cache'),
  };
  return { uv, python, env };
}

/** The sha256 of each zip that `cdk synth` makes of an example, by the handler. */
function synthesise(folder, example, env) {
  const workspace = path.join(folder, example);
  const cdk = path.join(folder, 'node_modules/aws-cdk/bin/cdk');
  run(process.execPath, [cdk, 'synth', '--quiet', '--no-notices'], {
    cwd: workspace,
    show: true,
    // A cache of its own: the second example would get the zips of the first.
    env: { ...env, UV_LAMBDA_CDK_CACHE_DIR: path.join(folder, `cache-${example}`) },
  });
  const functions = synthesisedFunctions(path.join(workspace, 'cdk.out'), 'DemoStack');
  return Object.fromEntries(functions.map(({ handler, zip }) => [`x86_64 ${handler}`, sha256(zip)]));
}

/** The sha256 of the zip of each function for arm64, which the command line makes. */
function bundleForArm64(folder, env) {
  const cli = path.join(folder, 'node_modules/uv-lambda-cdk/cli.js');
  return Object.fromEntries(
    FUNCTIONS.map((name) => {
      const output = path.join(folder, `arm64-${name}`);
      const request = [
        '--path',
        'examples-ts',
        '--package',
        name,
        '--runtime',
        'python3.13',
        '--architecture',
        'arm64',
      ];
      run(process.execPath, [cli, 'bundle', ...request, '--output', output], { cwd: folder, show: true, env });
      return [`arm64 ${name}`, sha256(path.join(output, `${name}.zip`))];
    }),
  );
}

/** The difference between the zips of two runs, a line for each. */
function differences([firstName, first], [secondName, second]) {
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  const different = names.filter((name) => first[name] !== second[name]);
  return different.map((name) => `${name}: ${first[name]} (${firstName}), ${second[name]} (${secondName})`);
}

function failIfDifferent(runs) {
  const lines = runs.slice(1).flatMap((each) => differences(runs[0], each));
  if (lines.length > 0) {
    throw new Error(`the zips differ:\n${lines.join('\n')}`);
  }
}

/** Tries the packages of a platform in a folder: the sha256 of each zip. */
function tryPackages(folder, platform) {
  install(folder, platform);
  const { uv, python, env } = prepareTools(folder);
  for (const example of ['examples-ts', 'examples-python']) {
    lock(path.join(folder, example), { uv, python });
  }
  const inTypeScript = synthesise(folder, 'examples-ts', env);
  installExampleApp(path.join(folder, 'examples-python'), { uv, python });
  failIfDifferent([
    ['the app in TypeScript', inTypeScript],
    ['the app in Python', synthesise(folder, 'examples-python', env)],
  ]);
  return { ...inTypeScript, ...bundleForArm64(folder, env) };
}

/** Tries the packages of a platform, and writes the sha256 of each zip into a file. */
function tryAndWrite(platform, file) {
  if (!Object.hasOwn(ADD_ONS, platform)) {
    throw new Error(`There is no platform \`${platform}\`: take ${Object.keys(ADD_ONS).join(', ')}.`);
  }
  // Windows has a second, shorter name for the folder of temporary files.
  const folder = fs.mkdtempSync(path.join(fs.realpathSync.native(tmpdir()), 'uv-lambda-cdk-try-'));
  try {
    const text = JSON.stringify(tryPackages(folder, platform), null, 2);
    write(path.resolve(file), `${text}\n`);
    console.log(text);
  } finally {
    // On Windows, a file that was just used may not be removed at once.
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function compare(files) {
  const runs = files.map((file) => [path.basename(file, '.json'), JSON.parse(fs.readFileSync(file, 'utf8'))]);
  if (runs.length < 2) {
    throw new Error('name the files of two machines at least');
  }
  failIfDifferent(runs);
  console.log(`The same bytes from ${runs.map(([name]) => name).join(', ')}:\n${JSON.stringify(runs[0][1], null, 2)}`);
}

try {
  const [first, ...others] = process.argv.slice(2);
  if (first === '--compare') {
    compare(others);
  } else {
    tryAndWrite(first, others[0]);
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
