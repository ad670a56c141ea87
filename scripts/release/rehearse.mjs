// Rehearses a release on a Debian for x86-64: builds and packs everything, publishes it to a registry on loopback, installs it from
// there in new folders with each package manager, synthesises the examples with the real `cdk`, and compares the zips. The machine of
// a user has no Rust, so no process after the build finds any.
//
//   node scripts/release/rehearse.mjs [--packed]      `--packed`: with the packages that are in `dist`

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { edit, sha256, write } from '../../__test__/support/files.mjs';
import { ensureNode } from '../../__test__/support/foreign-node.mjs';
import { synthesisedFunctions } from '../../__test__/support/synth.mjs';
import { ensureNodeProject, ensureUv, preferredPython, root, run } from '../../__test__/support/tools.mjs';
import { copyExample, lock } from '../../__test__/support/workspaces.mjs';
import { EXECUTABLES, addOnFile, executableRecipe } from '../native/add-ons.mjs';
import { rehearseBareMachines } from './bare-machines.mjs';
import { rehearseContainerFallback } from './container-fallback.mjs';
import { startRegistry } from './registry.mjs';

const started = Date.now();
const uv = ensureUv();
const [, interpreter] = preferredPython(uv);
const { version, peerDependencies, devDependencies } = JSON.parse(
  fs.readFileSync(path.join(root, 'package.json'), 'utf8'),
);
const OLDEST_CDK = Object.fromEntries(
  Object.entries(peerDependencies).map(([name, range]) => [name, range.replace('^', '')]),
);
const wheels = path.join(root, 'dist/python');

/** Programs that the rehearsal gets from npm. */
const PACKAGE_MANAGERS = { pnpm: '10.34.9', '@yarnpkg/cli-dist': '4.18.1' };
const OTHER_NODES = ['22.23.5', '24.22.3'];

function step(text) {
  console.log(`\n\u001b[1m${text}\u001b[0m (${((Date.now() - started) / 1000).toFixed(0)} s)`);
}

/** Builds and packs everything. */
function build() {
  const executables = Object.keys(EXECUTABLES).filter((name) => executableRecipe(name, process.platform) !== undefined);
  const scripts = [['build'], ['build:all'], ['build:executables', ...executables], ['release:pack']];
  for (const [script, ...names] of scripts) {
    step(`npm run ${script}`);
    run('npm', ['run', '--silent', script, '--', ...names], { cwd: root, show: true });
  }
}

/** Publishes the packages as a release does, and once more: then there is nothing left to publish. */
function publish(registry) {
  const script = path.join(root, 'scripts/release/publish-npm.mjs');
  const env = { ...process.env, ...registry.env };
  run(process.execPath, [script, '--silent'], { env });
  const again = run(process.execPath, [script], { env });
  const lines = again.trim().split('\n');
  console.log(lines.join('\n'));
  if (!lines.every((line) => line.endsWith(' is published already'))) {
    throw new Error('something was published twice');
  }
}

/** The environment of a user: a home of its own, the registry on loopback, no Rust. */
function userEnvironment(home, registry, nodeFolder = path.dirname(process.execPath)) {
  // Neither the settings of the npm that started this, nor those of Rust.
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|CARGO|RUST|CI$|INIT_CWD$)/.test(name));
  const environment = {
    ...Object.fromEntries(kept),
    PATH: [nodeFolder, path.dirname(uv), '/usr/bin', '/bin'].join(path.delimiter),
    HOME: home,
    UV_PYTHON: interpreter,
    npm_config_registry: registry,
    // One cache for all: what is rehearsed is the installation.
    npm_config_cache: path.join(work, 'npm-cache'),
    npm_config_store_dir: path.join(work, 'pnpm-store'),
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_SCRIPTS: '0',
    // Yarn waits some days before it takes a new version.
    YARN_NPM_MINIMAL_AGE_GATE: '0',
    UV_CACHE_DIR: path.join(work, 'uv-cache'),
    UV_LAMBDA_CDK_CACHE_DIR: path.join(home, 'cache'),
    JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20',
  };
  for (const folder of environment.PATH.split(path.delimiter)) {
    if (fs.existsSync(path.join(folder, 'cargo'))) {
      throw new Error(`\`${folder}\` has Rust in it, and would be on PATH`);
    }
  }
  return environment;
}

const work = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'uv-lambda-cdk-rehearsal-')));

/** A new folder and home: `{ folder, env }`. */
function user(name, registry, nodeFolder) {
  const home = path.join(work, name, 'home');
  fs.mkdirSync(home, { recursive: true });
  return { folder: path.join(work, name), env: userEnvironment(home, registry, nodeFolder) };
}

/** The example in TypeScript as a project of a user, with the package from the registry. Returns the folder. */
function typescriptProject(folder, dependencies = {}) {
  const project = path.join(folder, 'project with a space');
  copyExample('examples-ts', project);
  const file = path.join(project, 'package.json');
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
  Object.assign(manifest.dependencies, { 'uv-lambda-cdk': version, ...dependencies });
  write(file, JSON.stringify(manifest, null, 2));
  return project;
}

/** The hash of each zip of a synthesised example, by its handler. */
function hashes(project) {
  const functions = synthesisedFunctions(path.join(project, 'cdk.out'), 'DemoStack');
  return Object.fromEntries(functions.map(({ handler, zip }) => [handler, sha256(zip)]));
}

let expected;

/** Throws if the zips differ from those of the first project. */
function compare(name, project) {
  const found = hashes(project);
  expected ??= found;
  const same = Object.keys(expected).length > 0 && JSON.stringify(found) === JSON.stringify(expected);
  console.log(`${same ? 'same' : 'DIFFERENT'}  ${name}`);
  if (!same) {
    throw new Error(`${name}: ${JSON.stringify(found, null, 2)}\nare not\n${JSON.stringify(expected, null, 2)}`);
  }
}

const NPM = ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error'];
const SYNTH = ['cdk', 'synth', '--quiet', '--no-notices'];

/** The package managers: how each installs, and how it runs a program of the project. */
function packageManagers() {
  const tools = ensureNodeProject(path.join(root, '.tools/package-managers'), { dependencies: PACKAGE_MANAGERS });
  const pnpm = ['node', path.join(tools, 'pnpm/bin/pnpm.cjs')];
  const yarn = ['node', path.join(tools, '@yarnpkg/cli-dist/bin/yarn.js')];
  // Yarn also resolves the packages that CDK bundles. The newest CDK bundles one that not every registry has.
  const yarnWith = (linker) => ({
    install: [...yarn, 'install'],
    execute: yarn,
    env: { YARN_NODE_LINKER: linker },
    dependencies: OLDEST_CDK,
  });
  return {
    npm: { install: NPM, execute: ['npx', '--no-install'] },
    pnpm: { install: [...pnpm, 'install', '--silent'], execute: [...pnpm, 'exec'] },
    'yarn, node_modules': yarnWith('node-modules'),
    "yarn, Plug'n'Play": yarnWith('pnp'),
  };
}

function runIn(folder, env, [program, ...args]) {
  return run(program, args, { cwd: folder, env });
}

/**
 * Installs the example in TypeScript in a new folder, synthesises it, and compares the zips. Returns the installation, as
 * `rehearseContainerFallback` takes it.
 */
function rehearseTypeScript(name, registry, { manager = packageManagers().npm, nodeFolder } = {}) {
  const { install, execute, env: more, dependencies } = manager;
  const { folder, env } = user(name.replaceAll(/\W+/g, '-'), registry, nodeFolder);
  const project = typescriptProject(folder, dependencies);
  // Yarn takes a folder for a project of its own only with a lockfile in it.
  write(path.join(project, 'yarn.lock'), '');
  const environment = { ...env, ...more };
  runIn(project, environment, install);
  runIn(project, environment, [...execute, ...SYNTH]);
  compare(name, project);
  return { name, project, env: environment, cdk: [...execute, 'cdk'], start: 'node' };
}

/** Makes the next version, for this machine alone, and publishes it. Returns the version. */
function publishNextVersion(registry) {
  const next = version.replace(/\d+$/, (patch) => Number(patch) + 1);
  const checkout = path.join(work, 'next');
  for (const name of ['Cargo.lock', 'Cargo.toml', 'benches/stages.rs', 'build.rs', 'src']) {
    fs.cpSync(path.join(root, name), path.join(checkout, name), { recursive: true });
  }
  const [before, after] = [version, next].map((number) => `name = "uv-lambda-cdk"\nversion = "${number}"`);
  edit(path.join(checkout, 'Cargo.toml'), before, after);
  edit(path.join(checkout, 'Cargo.lock'), before, after);
  // Beside the build of the checkout, whose dependencies it shares.
  const target = path.join(root, 'target');
  run('cargo', ['build', '--quiet', '--release', '--lib', '--target-dir', target], { cwd: checkout });

  const staged = path.join(work, 'next-packages');
  const binding = path.join(staged, 'npm/linux-x64-gnu');
  fs.cpSync(path.join(root, 'dist/staging'), staged, { recursive: true });
  const addOn = addOnFile('linux-x64-gnu');
  fs.copyFileSync(path.join(target, 'release/libuv_lambda_cdk.so'), path.join(binding, addOn));
  for (const folder of [path.join(staged, 'npm/container'), binding, staged]) {
    const file = path.join(folder, 'package.json');
    write(file, fs.readFileSync(file, 'utf8').replaceAll(`"${version}"`, `"${next}"`));
    run('npm', ['publish', '--silent'], { cwd: folder, env: { ...process.env, ...registry.env } });
  }
  return next;
}

/** Upgrades a project to the next version and back. Both make the same zips, and neither touches what the other has in the cache. */
function rehearseUpgrade(registry, { project, env }) {
  const cache = env.UV_LAMBDA_CDK_CACHE_DIR;
  const entries = () =>
    fs
      .readdirSync(cache, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .map((file) => `${path.relative(cache, file)} ${sha256(file)}`);
  const before = entries();
  const next = publishNextVersion(registry);
  const install = (number) => {
    runIn(project, env, [...NPM, `uv-lambda-cdk@${number}`]);
    fs.rmSync(path.join(project, 'cdk.out'), { recursive: true });
    runIn(project, env, ['npx', '--no-install', ...SYNTH]);
    compare(`npm, with version ${number}`, project);
  };
  install(next);
  const both = entries();
  const zips = (names) => names.filter((name) => name.includes('.zip')).length;
  if (before.some((entry) => !both.includes(entry)) || zips(both) !== 2 * zips(before)) {
    throw new Error(`version ${next} used or changed what version ${version} had in the cache`);
  }
  install(version);
  if (zips(entries()) !== zips(both)) {
    throw new Error(`version ${version} did not use what it had in the cache`);
  }
}

/** The example in Python, whose app is a member of the workspace, in a new folder, with the wheels beside it. */
function pythonProject(folder) {
  const project = path.join(folder, 'examples-python');
  copyExample('examples-python', project);
  fs.cpSync(wheels, path.join(folder, 'dist/python'), { recursive: true });
  return project;
}

/** Installs the example in Python with pip, and with uv. The `cdk` command comes from npm. Returns both installations. */
function rehearsePython(registry) {
  return ['pip', 'uv'].map((tool) => {
    const { folder, env } = user(`python-${tool}`, registry);
    const project = pythonProject(folder);
    const cdk = path.join(folder, 'cdk');
    fs.mkdirSync(cdk);
    runIn(cdk, env, [...NPM, `aws-cdk@${devDependencies['aws-cdk']}`]);
    lock(project, { uv, python: interpreter, env });
    let start = 'uv run --frozen --package demo-cdk';
    if (tool === 'pip') {
      const environment = path.join(folder, 'environment');
      const python = path.join(environment, 'bin/python');
      runIn(folder, env, [interpreter, '-m', 'venv', environment]);
      const flags = ['--quiet', '--disable-pip-version-check', '--find-links', wheels];
      runIn(folder, env, [python, '-m', 'pip', 'install', ...flags, `uv-lambda-cdk==${version}`]);
      start = `"${python}"`;
    } else {
      runIn(project, env, ['uv', 'sync', '--quiet', '--frozen', '--package', 'demo-cdk']);
    }
    const command = [path.join(cdk, 'node_modules/.bin/cdk')];
    runIn(project, env, [...command, ...SYNTH.slice(1), '--app', `${start} cdk/app.py`]);
    const name = `an app in Python, installed by ${tool}`;
    compare(name, project);
    return { name, project, env, cdk: command, start };
  });
}

/** An installation without optional dependencies has no add-on. */
function rehearseWithoutOptional(registry) {
  const { folder, env } = user('without-optional', registry);
  write(path.join(folder, 'package.json'), '{}');
  runIn(folder, env, [...NPM, '--omit=optional', `uv-lambda-cdk@${version}`]);
  const program = `try { require('uv-lambda-cdk') } catch (error) { console.log(error.message) }`;
  const message = runIn(folder, env, ['node', '--eval', program]).trim();
  if (!message.includes('`@uv-lambda-cdk/binding-linux-x64-gnu`') || !message.includes('--omit=optional')) {
    throw new Error(`the error of an installation without optional dependencies is\n${message}`);
  }
  console.log(`npm --omit=optional says: ${message}`);
}

async function rehearse() {
  if (!process.argv.includes('--packed')) {
    build();
  }
  step('Publish to a registry on loopback');
  const registry = await startRegistry(path.join(work, 'registry'), ['uv-lambda-cdk', '@uv-lambda-cdk/*']);
  try {
    publish(registry);
    step('Apps in TypeScript, by each package manager');
    lock(path.join(root, 'examples-ts'), { uv, python: interpreter });
    const users = Object.entries(packageManagers()).map(([name, manager]) =>
      rehearseTypeScript(name, registry.url, { manager }),
    );
    step('An upgrade to the next version, and back');
    rehearseUpgrade(registry, users[0]);
    step('The oldest CDK, and other versions of Node');
    const floor = Object.entries(OLDEST_CDK).map((parts) => parts.join(' '));
    const manager = { ...packageManagers().npm, dependencies: OLDEST_CDK };
    rehearseTypeScript(floor.join(', '), registry.url, { manager });
    for (const number of OTHER_NODES) {
      const nodeFolder = path.dirname(ensureNode('linux-x64-gnu', number));
      rehearseTypeScript(`Node ${number}`, registry.url, { nodeFolder });
    }
    step('Apps in Python');
    users.push(...rehearsePython(registry.url));
    step('Bare machines');
    rehearseBareMachines({ registry, version, interpreter, work, typescriptProject, pythonProject, compare });
    step('The Docker fallback of installed packages');
    rehearseContainerFallback({ work, uv, installations: users });
    step('Bad installations');
    rehearseWithoutOptional(registry.url);
  } finally {
    registry.stop();
    fs.rmSync(work, { recursive: true, force: true });
  }
  step('Done');
}

try {
  await rehearse();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
