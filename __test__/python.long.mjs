// The Python package with the oldest and the newest CDK, and other languages. Longer than `npm test` may take:
// `npm run test:long`.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { before, describe, test } from 'node:test';
import { sha256, temporaryFolder } from './support/files.mjs';
import { runJsii } from './support/jsii.mjs';
import { appEnvironment, appVariables, runPythonApp, wheel } from './support/python-apps.mjs';
import { synthesisedFunctions } from './support/synth.mjs';
import { interpreter, pythonVersion, uv } from './support/toolchain.mjs';
import { root, run } from './support/tools.mjs';

const env = appVariables(uv);

/** The version of a package in the environment of an interpreter. */
const versionOf = (name, python) =>
  run(python, ['-c', `import importlib.metadata as m; print(m.version("${name}"))`]).trim();

describe('one wheel', () => {
  let newest;
  before(() => {
    newest = path.join(root, '.tools/python-app-newest/bin/python');
    run(uv, ['venv', '--quiet', '--clear', '--seed', '--python', interpreter, path.dirname(path.dirname(newest))]);
    // By pip, as many people install it. It finds the newest CDK.
    run(newest, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel(), 'mypy']);
  });

  test('works with the oldest CDK that it claims, and with the newest: the same zips', (t) => {
    const { peerDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    const pinned = Object.entries(peerDependencies).map(([name, range]) => range.replace('^', `${name}==`));
    const oldest = appEnvironment('oldest', pinned, { uv, interpreter });
    assert.equal(`aws-cdk-lib==${versionOf('aws-cdk-lib', oldest)}`, pinned[0]);
    t.diagnostic(`${pinned[0]} and ${versionOf('aws-cdk-lib', newest)}`);

    const [first, second] = [oldest, newest].map((python) => {
      const { outdir } = runPythonApp(t, 'constructs.py', { python, pythonVersion, env });
      const functions = synthesisedFunctions(outdir).filter(({ properties }) => properties.PackageType !== 'Image');
      return functions.map(({ handler, zip }) => [handler, sha256(zip)]);
    });
    assert.equal(first.length, 2);
    assert.deepEqual(second, first);
  });

  test('has types that mypy finds nothing wrong with, in the strict mode', () => {
    const mypy = path.join(path.dirname(newest), 'mypy');
    run(mypy, ['--strict', '.'], {
      cwd: path.join(root, 'examples-python/cdk'),
      env: { ...process.env, MYPY_CACHE_DIR: '/dev/null' },
    });
  });
});

test('the code for Java, .NET and Go is generated', (t) => {
  const folder = temporaryFolder(t);
  runJsii('jsii-pacmak', ['--code-only', '--force', '--outdir', folder, '--targets', 'java', 'dotnet', 'go']);
  const files = fs.readdirSync(folder, { recursive: true }).map((name) => path.basename(name));
  for (const extension of ['java', 'cs', 'go']) {
    assert.ok(files.includes(`PythonLambdaFunction.${extension}`), extension);
  }
});

test('`npm run demo`: apps in TypeScript and in Python get the same zips', () => {
  const output = run('node', [path.join(root, 'scripts/demo.mjs')], { cwd: root });
  assert.match(output, /Both zips have the same hash as those of the app in TypeScript\./);
});
