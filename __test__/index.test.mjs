// The public entry point: its names, and its errors if something is missing.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { test } from 'node:test';
import { optionNames } from '../binding.js';
import * as module from '../index.js';
import { copyPackage, edit, temporaryFolder, writeAll } from './support/files.mjs';
import { root } from './support/tools.mjs';
import { workspace } from './support/workspaces.mjs';

const NAMES = [
  'PythonLambdaCode',
  'PythonLambdaFunction',
  'PythonLambdaImageFunction',
  'PythonLambdaLayer',
  'UvBundler',
  'UvBundling',
  'bundle',
  'bundleAll',
  'bundleSync',
  'diffSync',
  'explain',
  'explainSync',
  'verify',
  'verifySync',
];

/** A copy of the package in a folder where CDK is not installed. */
const withoutCdk = (t, except) => copyPackage(temporaryFolder(t), { except });

/** The output of a program that runs in `folder`. */
function evaluate(folder, program, ...flags) {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--eval', program], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { stdout: stdout.trim(), stderr };
}

test('a CommonJS module sees every name', () => {
  const required = createRequire(import.meta.url)('../index.js');
  assert.deepEqual(Object.keys(required).sort(), NAMES);
});

test('an ES module sees every name', () => {
  for (const name of NAMES) {
    assert.equal(typeof module[name], 'function', name);
  }
});

test('the declarations have the same names', () => {
  const folder = path.join(root, 'construct');
  const text = fs.readFileSync(path.join(folder, 'index.d.ts'), 'utf8');
  const named = [...text.matchAll(/^export \{ (.*) \}/gm)].flatMap(([, names]) => names.split(', '));
  const functions = fs.readFileSync(path.join(folder, 'functions.d.ts'), 'utf8');
  const declared = [...functions.matchAll(/^export declare function (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual([...named, ...declared].sort(), NAMES);
});

test('the options of the contract are those of the core', () => {
  const { types } = JSON.parse(fs.readFileSync(path.join(root, '.jsii'), 'utf8'));
  const struct = (name) => types[`uv-lambda-cdk.${name}`];
  /** The names of a struct's options, with those of the structs that it extends and that its options are. */
  const names = ({ properties = [], interfaces = [] }) => [
    ...properties.flatMap(({ name, type }) => {
      const item = type.collection?.elementtype.fqn ?? type.fqn;
      // The facts about a layer are no options: a construct makes them.
      return [name, ...(item && name !== 'layers' ? names(types[item]) : [])];
    }),
    ...interfaces.flatMap((parent) => names(types[parent])),
  ];
  assert.deepEqual([...new Set(names(struct('BundleOptions')))].sort(), optionNames().sort());
});

test('the bundler works without CDK', (t) => {
  const options = JSON.stringify({
    path: workspace(t),
    packageName: 'one',
    runtime: 'python3.13',
    architecture: 'arm64',
  });
  const folder = withoutCdk(t);
  const digest = /^[0-9a-f]{64}$/;
  const required = evaluate(
    folder,
    `const { UvBundler } = require('./index.js'); console.log(new UvBundler(${options}).digest);`,
  );
  assert.match(required.stdout, digest, required.stderr);
  const imported = evaluate(
    folder,
    `import { UvBundler } from './index.js'; console.log(new UvBundler(${options}).digest);`,
    '--input-type=module',
  );
  assert.match(imported.stdout, digest, imported.stderr);
});

test('a construct without CDK says what to install', (t) => {
  const { stdout } = evaluate(
    withoutCdk(t),
    `try { require('./index.js').PythonLambdaFunction } catch (error) { console.log(error.message); }`,
  );
  assert.match(stdout, /`npm install aws-cdk-lib constructs`/);
});

test('loading the package does not load CDK', () => {
  const program = `
    require('./index.js');
    console.log(Object.keys(require.cache).filter((file) => file.includes('aws-cdk-lib')).length);
  `;
  assert.equal(evaluate(root, program).stdout, '0');
});

test('a checkout that is not built says what to run', (t) => {
  const folder = withoutCdk(t, ['binding.js']);
  const { stdout } = evaluate(folder, `try { require('./index.js') } catch (error) { console.log(error.message); }`);
  assert.match(stdout, /`\.\/binding\.js` is missing.*`npm run build`/);
  assert.ok(stdout.includes(folder), stdout);
});

/** The message of the error that a copy of the package without an add-on throws, for a process of another platform. */
function messageWithoutAddOn(t, { optionalDependencies, addOns = [], platform = process.platform, arch = 'x64' }) {
  const folder = copyPackage(temporaryFolder(t), {
    except: fs.readdirSync(root).filter((name) => /\.node$/.test(name)),
  });
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  writeAll(folder, {
    'package.json': JSON.stringify({ ...manifest, optionalDependencies }),
    ...Object.fromEntries(addOns.map((name) => [name, ''])),
  });
  const program = `
    Object.defineProperty(process, 'platform', { value: '${platform}' });
    Object.defineProperty(process, 'arch', { value: '${arch}' });
    try { require('./index.js') } catch (error) { console.log(error.message); }
  `;
  return evaluate(folder, program).stdout;
}

const PACKAGES = {
  '@uv-lambda-cdk/binding-darwin-arm64': '0.1.0',
  '@uv-lambda-cdk/binding-linux-x64-gnu': '0.1.0',
  '@uv-lambda-cdk/binding-linux-x64-musl': '0.1.0',
};

test('an installation without optional dependencies names the package that it lacks, and why', (t) => {
  assert.match(
    messageWithoutAddOn(t, { optionalDependencies: PACKAGES, platform: 'darwin', arch: 'arm64' }),
    /for darwin arm64: the package `@uv-lambda-cdk\/binding-darwin-arm64` is not installed\. .*`--omit=optional`/,
  );
  assert.match(
    messageWithoutAddOn(t, { optionalDependencies: PACKAGES, platform: 'linux' }),
    /`@uv-lambda-cdk\/binding-linux-x64-gnu` or `@uv-lambda-cdk\/binding-linux-x64-musl` is not installed/,
  );
});

test('on a platform without an add-on, the error lists the platforms that have one', (t) => {
  for (const others of [
    { optionalDependencies: PACKAGES },
    { addOns: ['uv-lambda-cdk.darwin-arm64.node', 'uv-lambda-cdk.linux-x64-gnu.node'] },
  ]) {
    assert.match(
      messageWithoutAddOn(t, { ...others, platform: 'freebsd' }),
      /for freebsd x64: there is none for this platform\. There are .*darwin-arm64.*linux-x64-gnu/,
    );
  }
});

test('a checkout without an add-on says what to run', (t) => {
  assert.match(messageWithoutAddOn(t, {}), /has none\. Run `npm run build` in it/);
});

test('an add-on that the system cannot load says why', (t) => {
  const folder = withoutCdk(t);
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.node'))) {
    fs.writeFileSync(path.join(folder, name), 'no library');
  }
  const { stdout } = evaluate(folder, `try { require('./index.js') } catch (error) { console.log(error.message); }`);
  assert.match(stdout, /cannot load its add-on for .*\.node: /);
});

test('an add-on of another version is refused', (t) => {
  const folder = withoutCdk(t);
  edit(path.join(folder, 'package.json'), '"version": "0.1.0"', '"version": "0.2.0"');
  const { stdout } = evaluate(folder, `try { require('./index.js') } catch (error) { console.log(error.message); }`);
  assert.match(
    stdout,
    /is version 0\.2\.0, and the add-on that it found is version 0\.1\.0: install the package again/,
  );
});

test('a bundle without an output folder is an error with a code', async () => {
  const expected = { code: 'INVALID_OPTIONS', message: /`outputDir` is required/ };
  assert.throws(() => module.bundleSync({ path: root }), expected);
  await assert.rejects(module.bundle({ path: root }), expected);
});
