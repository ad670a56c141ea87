// CDK apps in Python, as a new user writes them: the real wheel, the real `cdk` command.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { before, describe, test } from 'node:test';
import { sha256, temporaryFolder, write } from './support/files.mjs';
import { fileSystem, withMount } from './support/mounts.mjs';
import { appEnvironment, appVariables, appWorkspace, runPythonApp, wheel } from './support/python-apps.mjs';
import { cdkSynth, runApp, synthesisedFunctions } from './support/synth.mjs';
import { interpreter, pythonVersion, uv } from './support/toolchain.mjs';
import { root, run } from './support/tools.mjs';
import { INDEX_DAY } from './support/workspaces.mjs';
import { unzip, zipNames } from './support/zips.mjs';

const env = appVariables(uv);

/** The interpreter of the apps. */
let python;
before(() => {
  // `ty` checks types. Other programs for that read `aws_cdk` for a minute.
  const packages = ['aws-cdk-lib', 'ty', '--exclude-newer', INDEX_DAY];
  python = appEnvironment('test', packages, { uv, interpreter });
});

/** The Python programs of a document. */
function programs(document) {
  const text = fs.readFileSync(path.join(root, document), 'utf8');
  return [...text.matchAll(/^```python\n(.*?)^```$/gms)].map(([, program]) => program);
}

/** Those of the documentation, with the package of the fixture instead of those of the example. */
const [minimal, withLayer] = programs('docs/python.md').map((text) => text.replaceAll(/demo-lambda\d/g, 'app'));

/** A workspace with an app. */
const workspaceOf = (t, program) => appWorkspace(t, program, { python, pythonVersion });

describe('the app of docs/python.md', () => {
  test('synthesises, and its zip is the one that TypeScript gets', (t) => {
    const folder = workspaceOf(t, minimal);
    const { stderr } = cdkSynth({ folder, env });
    const [{ zip, properties }] = synthesisedFunctions(path.join(folder, 'cdk.out'), 'Readings');
    assert.equal(properties.Runtime, `python${pythonVersion}`);
    assert.equal(properties.Handler, 'app.lambda_function.lambda_handler');
    assert.match(stderr, /^uv-lambda-cdk: app: .* 3 packages, Python /m);
    const props = { path: folder, packageName: 'app', bundling: { uv, python: interpreter, cache: false } };
    const typescript = runApp(t, { functions: JSON.stringify({ Readings: props }), env: process.env });
    assert.equal(typescript.status, 0, typescript.stderr);
    assert.equal(sha256(zip), sha256(path.join(typescript.outdir, typescript.assets[0])), typescript.stderr);
  });

  test('synthesises with a layer, and with options of the build', (t) => {
    const folder = workspaceOf(t, withLayer);
    cdkSynth({ folder, env });
    const [{ zip, properties }] = synthesisedFunctions(path.join(folder, 'cdk.out'), 'Orders');
    assert.deepEqual(properties.Architectures, ['arm64']);
    assert.ok(!zipNames(zip).some((name) => name.startsWith('acme_greeting')));
  });

  test('is the one of the README', () => {
    assert.deepEqual(programs('README.md'), programs('docs/python.md').slice(0, 1));
  });
});

test('every construct works in Python', (t) => {
  const { outdir } = runPythonApp(t, 'constructs.py', { python, pythonVersion, env });
  const { Resources } = JSON.parse(fs.readFileSync(path.join(outdir, 'Stack.template.json'), 'utf8'));
  const types = Object.values(Resources).map(({ Type }) => Type);
  assert.equal(types.filter((type) => type === 'AWS::Lambda::Function').length, 3);
  assert.ok(types.includes('AWS::Lambda::LayerVersion'));
  const folders = fs.readdirSync(outdir).filter((name) => fs.existsSync(path.join(outdir, name, 'Dockerfile')));
  assert.equal(folders.length, 1);
  // A warning is an annotation, and names options as Python writes them.
  const metadata = JSON.parse(fs.readFileSync(path.join(outdir, 'Stack.metadata.json'), 'utf8'));
  const [{ data }] = metadata['/Stack/Layered'].filter(({ type }) => type === 'aws:cdk:warning');
  assert.match(data, /`max_size\.unzipped`.*\[ack: uv-lambda-cdk:BUNDLE_TOO_LARGE\]/);
});

describe('an error', () => {
  let errors;
  const expect = (t, mistake, type, message) => {
    errors ??= JSON.parse(runPythonApp(t, 'errors.py', { python, pythonVersion, env }).stdout);
    assert.equal(errors[mistake][0], type, errors[mistake][1]);
    assert.match(errors[mistake][1], message);
  };
  /** CDK's words before an error of the build. */
  const whileBundling = '^Failed to bundle asset Stack/Function\\d+/Code/Stage, .*: Error: ';

  test('begins with its code, and names options as Python writes them', (t) => {
    expect(t, 'package', 'RuntimeError', /^UNKNOWN_PACKAGE: .* has no member `ap` \(did you mean `app`\?\)/);
    expect(t, 'no package', 'RuntimeError', /^PACKAGE_REQUIRED: .*`package_name`/);
    expect(t, 'runtime', 'RuntimeError', /^UNKNOWN_RUNTIME: .* `nodejs20\.x` \(option `runtime`\)/);
    expect(t, 'size', 'RuntimeError', /^INVALID_OPTIONS: the option `max_size\.unzipped` is `80 XB`/);
    expect(t, 'docker', 'RuntimeError', /^INVALID_OPTIONS: the option `bundling\.docker` is `sometimes`/);
  });

  test('of the build follows the words of CDK', (t) => {
    expect(t, 'handler', 'RuntimeError', new RegExp(`${whileBundling}HANDLER_NOT_FOUND: .*\`app.main.handle\``));
    expect(
      t,
      'excluded package',
      'RuntimeError',
      new RegExp(`${whileBundling}NOTHING_MATCHES: .*\`exclude_packages\``),
    );
    expect(t, 'large', 'RuntimeError', new RegExp(`${whileBundling}BUNDLE_TOO_LARGE: .*\`max_size.unzipped\``));
    expect(t, 'hook', 'RuntimeError', new RegExp(`${whileBundling}HOOK_FAILED: the \`before_build\` command`));
    expect(t, 'layer', 'RuntimeError', new RegExp(`${whileBundling}LAYER_MISMATCH: `));
  });

  test('of a name or a type comes from Python itself', (t) => {
    expect(t, 'name of an option', 'TypeError', /unexpected keyword argument 'package'/);
    expect(t, 'name of an option of the build', 'TypeError', /unexpected keyword argument 'exclude_package'/);
    expect(t, 'type', 'TypeError', /^type of argument package_name must be one of \(str, NoneType\); got int instead$/);
  });

  test('is the last line of the app that `cdk synth` shows', (t) => {
    const folder = workspaceOf(t, minimal.replace('package_name="app"', 'package_name="ap"'));
    assert.throws(
      () => cdkSynth({ folder, env }),
      /\n.{0,30}RuntimeError.{0,10}: .{0,10}UNKNOWN_PACKAGE: .*\n.*app\.py: Subprocess exited/,
    );
  });
});

test('a cache of jsii that is mounted `noexec` is an error that says so', withMount, (t) => {
  const cache = fileSystem(t, 'noexec');
  if (cache === undefined) {
    return;
  }
  const { status, stderr } = spawnSync(python, ['-c', 'import uv_lambda_cdk'], {
    encoding: 'utf8',
    env: { ...process.env, ...env, JSII_RUNTIME_PACKAGE_CACHE_ROOT: cache },
  });
  assert.equal(status, 1);
  assert.match(stderr, /^RuntimeError: .* `noexec`.* JSII_RUNTIME_PACKAGE_CACHE_ROOT/m);
});

describe('types', () => {
  /** The findings of the type checker in files: one a line. */
  function check(...files) {
    const checker = path.join(path.dirname(python), 'ty');
    const args = ['check', '--python', path.dirname(path.dirname(python)), '--output-format', 'concise', ...files];
    return spawnSync(checker, args, { encoding: 'utf8', cwd: path.dirname(files[0]) })
      .stdout.trim()
      .split('\n');
  }

  test('fit the example, the documents and an app with each construct', (t) => {
    const folder = temporaryFolder(t);
    const snippets = ['README.md', 'docs/python.md'].flatMap(programs);
    snippets.forEach((text, index) => write(path.join(folder, `snippet_${index}.py`), text));
    const files = [
      folder,
      path.join(root, 'examples-python/cdk'),
      path.join(root, '__test__/python-apps/constructs.py'),
    ];
    for (const file of files) {
      assert.deepEqual(check(file), ['All checks passed!']);
    }
  });

  test('find a misspelt option and a wrong value', (t) => {
    const file = path.join(temporaryFolder(t), 'wrong.py');
    write(file, minimal.replace('package_name="app", memory_size=512', 'package="app", memory_size="512"'));
    const [option, value] = check(file);
    assert.match(option, /`package` does not match any known parameter/);
    assert.match(value, /`memory_size|expected `(?:int|float)/i);
  });
});

test('both examples have the same packages', () => {
  const [typescript, inPython] = ['examples-ts', 'examples-python'].map((example) => {
    const files = run('git', ['ls-files', 'packages'], { cwd: path.join(root, example) })
      .trim()
      .split('\n');
    return Object.fromEntries(files.map((file) => [file, fs.readFileSync(path.join(root, example, file), 'utf8')]));
  });
  assert.deepEqual(inPython, typescript);
  assert.ok(Object.keys(typescript).length > 10);
});

test('the wheel has types, and its documentation has examples in Python', () => {
  const files = unzip(wheel());
  assert.ok('uv_lambda_cdk/py.typed' in files);
  const documentation = files['uv_lambda_cdk/__init__.py'];
  assert.match(documentation, /^ *Example::\n\n *PythonLambdaFunction\(self, "Api",$/m);
  assert.doesNotMatch(documentation, /\bnew \w+\(|may contain errors/);
});
