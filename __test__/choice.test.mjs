// The choice of extras, groups, packages and files; and the default runtime of a project.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { cli, toolFlags } from './support/command-line.mjs';
import { assertRefused } from './support/errors.mjs';
import { edit, temporaryFolder, writeAll } from './support/files.mjs';
import { invoke } from './support/invoke.mjs';
import { options, pythonVersion, runtimeClient } from './support/toolchain.mjs';
import { ensureUv } from './support/tools.mjs';
import { writeWheel } from './support/wheels.mjs';
import { HATCHLING, fixture, lock } from './support/workspaces.mjs';
import { unzip, zipNames } from './support/zips.mjs';

/** Wheels of one module each: only `sdk` needs `sdk-core`; `sdk` and `web` need `shared`. */
const WHEELS = [
  ['sdk', '1.0', ['Requires-Dist: sdk-core', 'Requires-Dist: shared']],
  ['sdk-core', '1.0'],
  ['shared', '1.0'],
  ['web', '1.0', ['Requires-Dist: shared', 'Provides-Extra: fast', "Requires-Dist: turbo; extra == 'fast'"]],
  ['turbo', '1.0'],
  ['turbo', '2.0'],
  ['tool', '1.0'],
];

/** Writes the wheels into a folder of a project. */
function writeWheels(folder) {
  fs.mkdirSync(path.join(folder, 'wheels'), { recursive: true });
  for (const [name, version, metadata] of WHEELS) {
    const files = { [`${name.replaceAll('-', '_')}/__init__.py`]: `VERSION = '${version}'\n` };
    writeWheel(path.join(folder, 'wheels'), name, files, { version, metadata });
  }
}

const APP = `[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["sdk"]

[project.optional-dependencies]
Web_UI = ["web[fast]"]
one = ["turbo==1.0"]
two = ["turbo==2.0"]
empty = []

[dependency-groups]
dev = ["tool"]
production = ["tool"]

[tool.uv]
default-groups = ["dev"]
conflicts = [[{ extra = "one" }, { extra = "two" }]]

[[tool.uv.index]]
name = "wheels"
url = "wheels"
format = "flat"
`;

/** A locked project of these files, with wheels in a folder of it. */
function withWheels(t, files) {
  const folder = path.join(temporaryFolder(t), 'project');
  writeAll(folder, files);
  writeWheels(folder);
  return lock(folder);
}

/** An application without a build system. */
const application = (t, files = {}) =>
  withWheels(t, { 'pyproject.toml': APP, 'main.py': 'def handler(event, context):\n    return 1\n', ...files });

/** The same as a package with a build system. */
const library = (t, files = {}) =>
  withWheels(t, {
    'pyproject.toml': APP + HATCHLING,
    'src/app/__init__.py': '',
    'src/app/main.py': 'def handler(event, context):\n    return 1\n',
    ...files,
  });

const build = (t, folder, others = {}) => bundleSync(options(folder, others), temporaryFolder(t));
const packages = (...args) => build(...args).packages.map(({ name, version }) => `${name} ${version}`);
const files = (...args) => zipNames(build(...args).zipPath).filter((name) => !name.endsWith('.pyc'));

/** The files of the package itself, without those of its dependencies. */
const own = (t, folder, others = {}) => files(t, folder, { excludePackages: ['sdk'], ...others });

function fails(t, folder, others, code, message) {
  assertRefused(() => build(t, folder, others), code, message);
}

const ALWAYS = ['app 1.0', 'sdk 1.0', 'sdk-core 1.0', 'shared 1.0'];

describe('packages', () => {
  for (const version of ['0.8.0', '0.13.9']) {
    test(`extras and groups go in where they are named, with uv ${version}`, (t) => {
      const folder = application(t);
      const chosen = (others) => packages(t, folder, { uv: ensureUv(version), ...others });
      assert.deepEqual(chosen({}), ALWAYS);
      assert.deepEqual(chosen({ groups: ['production'], extras: ['empty'] }), [...ALWAYS, 'tool 1.0']);
      assert.deepEqual(chosen({ groups: ['dev'] }), [...ALWAYS, 'tool 1.0']);
      assert.deepEqual(chosen({ extras: ['web.ui'] }), [...ALWAYS, 'turbo 2.0', 'web 1.0']);
      // Markers in the lock say which version belongs to which of the conflicting extras.
      assert.deepEqual(chosen({ extras: ['one', 'Web_UI'] }), [...ALWAYS, 'turbo 1.0', 'web 1.0']);
      assert.deepEqual(chosen({ extras: ['two'], excludePackages: ['sdk'] }), ['app 1.0', 'turbo 2.0']);
    });
  }

  test('excluded ones stay out, with what only they need', (t) => {
    const folder = application(t);
    assert.deepEqual(packages(t, folder, { excludePackages: ['SDK'] }), ['app 1.0']);
    assert.deepEqual(packages(t, folder, { excludePackages: ['sdk_core'] }), ['app 1.0', 'sdk 1.0', 'shared 1.0']);
    const both = { extras: ['web-ui'], excludePackages: ['sdk', 'turbo'] };
    assert.deepEqual(packages(t, folder, both), ['app 1.0', 'shared 1.0', 'web 1.0']);
  });

  test('excluded ones may be libraries of the workspace', (t) => {
    const folder = fixture(t);
    assert.deepEqual(packages(t, folder, { excludePackages: ['library'] }), ['acme-greeting 1.0', 'app 1.0']);
    const zip = build(t, folder, { groups: ['dev'], excludePackages: ['acme-greeting', 'library'] }).zipPath;
    assert.ok(!zipNames(zip).some((name) => /^(library|acme_greeting)/.test(name)));
  });

  test('of names that are unknown, the nearest is said, and all', (t) => {
    const folder = application(t);
    fails(
      t,
      folder,
      { extras: ['webui'] },
      'UNKNOWN_EXTRA',
      /^`app` has no extra `webui` \(option `extras`\) \(did you mean `web-ui`\?\); it has `empty`, `one`, `two` and `web-ui`$/,
    );
    fails(
      t,
      folder,
      { groups: ['prodution'] },
      'UNKNOWN_GROUP',
      /no dependency group `prodution`.*did you mean `production`/,
    );
    fails(
      t,
      folder,
      { excludePackages: ['shard', 'sdk'] },
      'NOTHING_MATCHES',
      /^`app` does not need `shard`.*did you mean `shared`\?\); it needs `sdk`, `sdk-core` and `shared`$/,
    );
    fails(t, folder, { excludePackages: ['web'] }, 'NOTHING_MATCHES', /`app` does not need `web`/);
    fails(t, folder, { excludePackages: ['app'] }, 'INVALID_OPTIONS', /`app`, the package that is bundled/);
  });

  test('of extras that exclude each other, one has to be chosen', (t) => {
    fails(
      t,
      application(t),
      { extras: ['one', 'two'] },
      'CONFLICTING_EXTRAS',
      /^`app\[one\]` and `app\[two\]` cannot be chosen together/,
    );
  });
});

describe('files of an application', () => {
  const STRAY = {
    'README.md': '',
    LICENSE: '',
    Dockerfile: '',
    'package.json': '{}',
    '.github/workflows/ci.yml': '',
    'cdk.json': '{}',
    'lib/stack.ts': '',
    'conftest.py': '',
    'tests/data.json': '',
    'test_main.py': 'def test_it():\n    pass\n',
    '.env': 'SECRET=1',
  };

  test('are all that are not tests and not about the project', async (t) => {
    const folder = application(t, { ...STRAY, 'ab_test.py': 'CHOICE = 1\n', 'data/x.json': '', 'docs/README.md': '' });
    assert.deepEqual(own(t, folder), ['ab_test.py', 'data/x.json', 'docs/README.md', 'main.py']);
    const { zipPath: zip } = build(t, folder, { handler: 'main.handler' });
    assert.deepEqual(await invoke({ zip, handler: 'main.handler', events: [{}], runtimeClient }), [1]);
  });

  test('are brought back by `include`, less what never ships', (t) => {
    const folder = application(t, {
      ...STRAY,
      '.gitignore': 'generated/\n',
      'generated/a.py': '',
      'generated/.env': '',
    });
    assert.deepEqual(own(t, folder), ['main.py']);
    const include = ['generated/', '/README.md', 'tests/', 'pyproject.toml'];
    assert.deepEqual(own(t, folder, { include }), [
      'README.md',
      'generated/a.py',
      'main.py',
      'pyproject.toml',
      'tests/data.json',
    ]);
    assert.ok(!own(t, folder, { include: ['*'] }).some((name) => name.includes('.env')));
    fails(
      t,
      folder,
      { include: ['.env'] },
      'NOTHING_MATCHES',
      /`\.env` \(option `include`\).*hold secrets.*never ship/,
    );
    fails(
      t,
      folder,
      { include: ['genrated/'] },
      'NOTHING_MATCHES',
      /the pattern `genrated\/` \(option `include`\) matches no file of `app`: write it as in a `\.gitignore` in `.*project`/,
    );
  });

  test('are left out by `exclude`, which wins', (t) => {
    const folder = application(t, { ...STRAY, 'data/a.json': '', 'data/b.json': '', 'docs/x.md': '' });
    const exclude = ['data/', '!data/b.json', '*.md', 'tests/', '**/__pycache__/', '*.pyc', '.venv'];
    assert.deepEqual(own(t, folder, { include: ['README.md'], exclude }), ['data/b.json', 'main.py']);
    fails(
      t,
      folder,
      { exclude: ['doc/'] },
      'NOTHING_MATCHES',
      /the pattern `doc\/` \(option `exclude`\) matches no file of `app`/,
    );
    fails(
      t,
      folder,
      { exclude: ['*.py'], handler: 'main.handler' },
      'HANDLER_NOT_FOUND',
      /^the handler `main\.handler` needs `main\.py`, which the pattern `\*\.py` \(option `exclude`\) leaves out/,
    );
  });
});

test('files that do not ship are there for the commands before the build', (t) => {
  const folder = application(t, { Makefile: 'made', 'data/in.txt': 'put in' });
  const hooks = { beforeBuild: ['cat Makefile data/in.txt > out.txt'] };
  const { zipPath: zip } = build(t, folder, { exclude: ['data/'], hooks });
  const contents = unzip(zip);
  assert.equal(contents['out.txt'], 'madeput in');
  assert.ok(!('Makefile' in contents) && !('data/in.txt' in contents));
});

describe('files of a package with a build system', () => {
  test('are left out of its wheel', (t) => {
    const folder = library(t, { 'src/app/big.bin': '1', 'src/app/docs/a.md': '', 'README.md': '' });
    const inside = (others) => own(t, folder, others).filter((name) => name.startsWith('app/'));
    assert.deepEqual(inside({}), ['app/__init__.py', 'app/big.bin', 'app/docs/a.md', 'app/main.py']);
    const exclude = ['/src/app/*.bin', 'docs/', '*.toml', 'README.md'];
    assert.deepEqual(inside({ exclude }), ['app/__init__.py', 'app/main.py']);
    fails(
      t,
      folder,
      { exclude: ['src/app/main.py'], handler: 'app.main.handler' },
      'HANDLER_NOT_FOUND',
      /needs `src\/app\/main\.py`, which the pattern `src\/app\/main\.py` .*`!src\/app\/main\.py` after it/,
    );
  });

  test('are in it by `include`, though git and so the build backend ignore them', (t) => {
    const folder = library(t, { '.gitignore': '_version.py\n', 'src/app/_version.py': 'V = 1\n' });
    assert.ok(!own(t, folder).includes('app/_version.py'));
    assert.ok(own(t, folder, { include: ['src/app/_version.py'] }).includes('app/_version.py'));
  });

  test('that its build needs are missed in the words of its backend', (t) => {
    const folder = withWheels(t, {
      'pyproject.toml': `${APP.replace('version = "1.0"', 'version = "1.0"\nreadme = "README.md"')}${HATCHLING}`,
      'README.md': '',
      'src/app/__init__.py': '',
    });
    fails(t, folder, { exclude: ['README.md'] }, 'BUILD_FAILED', /Readme file does not exist: README\.md/);
  });
});

describe('the runtime', () => {
  /** A project without dependencies. */
  const requiring = (t, requires, others = {}) =>
    application(t, { 'pyproject.toml': APP.replace('>=3.9', requires), ...others });

  test('is by default the one that `.python-version` names', (t) => {
    const pinned = requiring(t, '>=3.9', { '.python-version': `${pythonVersion}\n` });
    const { python } = build(t, pinned, { runtime: undefined, architecture: undefined });
    assert.ok(python.startsWith(`${pythonVersion}.`));
  });

  test('has no other default', (t) => {
    const runtimes = '`requires-python` \\(`>=3\\.12, <3\\.14`\\) allows `python3\\.12` and `python3\\.13`';
    const ways = 'set the option `runtime`, or write .* into `\\.python-version` .*`echo 3\\.13 > \\.python-version`';
    const folder = requiring(t, '>=3.12,<3.14');
    fails(
      t,
      folder,
      { runtime: undefined },
      'RUNTIME_REQUIRED',
      new RegExp(`no runtime is chosen, .*${ways}; ${runtimes}`),
    );
    const flags = ['bundle', '--path', folder, '--output', '/nonexistent'];
    assert.match(cli(flags).stderr, /^error\[RUNTIME_REQUIRED\]: .* the option `--runtime`, or write /);
  });

  test('has to be one that the project allows', (t) => {
    const folder = requiring(t, `==${pythonVersion}.*`);
    fails(
      t,
      folder,
      { runtime: 'python3.9', python: undefined },
      'REQUIRES_PYTHON',
      /^the project's `requires-python` is `==3\.\d+\.\*`, which excludes the runtime python3\.9: choose `python3\.\d+`, or/,
    );
    edit(path.join(folder, 'uv.lock'), /^requires-python = .*$/m, 'requires-python = ">=3.15"');
    fails(t, folder, { runtime: undefined }, 'REQUIRES_PYTHON', /excludes every Python that Lambda has released/);
  });
});

describe('a script with inline metadata', () => {
  const script = (dependencies) => `# /// script
# requires-python = ">=3.9"
# dependencies = ${dependencies}
#
# [[tool.uv.index]]
# name = "wheels"
# url = "wheels"
# format = "flat"
# ///
import sdk

def handler(event, context):
    return sdk.VERSION
`;

  /** A script in a folder with other files, and its lock. */
  function locked(t) {
    const folder = temporaryFolder(t);
    writeAll(folder, {
      'job.py': script('["sdk", "web[fast]"]'),
      'other.py': '',
      'data.json': '',
    });
    writeWheels(folder);
    return lock(folder, { script: 'job.py' });
  }
  const settings = { packageName: undefined, handler: 'job.handler' };

  for (const version of ['0.8.0', '0.13.9']) {
    test(`is bundled alone, beside what it needs, with uv ${version}`, async (t) => {
      const folder = locked(t);
      const { zipPath: zip, packages } = build(t, path.join(folder, 'job.py'), { ...settings, uv: ensureUv(version) });
      assert.equal(path.basename(zip), 'job.zip');
      assert.deepEqual(
        packages.map(({ name }) => name),
        ['job', 'sdk', 'sdk-core', 'shared', 'turbo', 'web'],
      );
      const top = zipNames(zip).filter((name) => !name.includes('/'));
      assert.deepEqual(top, ['job.py']);
      assert.deepEqual(await invoke({ zip, handler: 'job.handler', events: [{}], runtimeClient }), ['1.0']);
    });
  }

  test('has the options that a project has', (t) => {
    const others = { ...settings, include: ['data.json'], excludePackages: ['web'] };
    const names = files(t, path.join(locked(t), 'job.py'), others);
    assert.ok(names.includes('data.json') && !names.some((name) => name.startsWith('web')));
  });

  test('needs a lock that matches', (t) => {
    const folder = locked(t);
    const file = path.join(folder, 'job.py');
    fs.writeFileSync(file, script('["sdk"]'));
    fails(
      t,
      file,
      settings,
      'LOCKFILE_OUTDATED',
      /^`job\.py\.lock` does not match `job\.py`: run `uv lock --script job\.py`/,
    );
    fs.rmSync(path.join(folder, 'job.py.lock'));
    fails(
      t,
      file,
      settings,
      'NO_LOCKFILE',
      /no `job\.py\.lock` beside the script `.*`: run `uv lock --script job\.py`/,
    );
  });
});

test('the command line has all of it', (t) => {
  const folder = application(t, { '.gitignore': 'generated/\n', 'generated/a.py': '', 'docs/a.md': '' });
  const output = temporaryFolder(t);
  const { status, stdout, stderr } = cli([
    ...['bundle', '--json', '--path', folder, ...toolFlags, '--output', output],
    ...['--group', 'production', '--extra', 'web-ui', '--exclude-package', 'sdk', '--exclude-package', 'turbo'],
    ...['--include', 'generated/', '--exclude', 'docs/'],
  ]);
  assert.equal(status, 0, stderr);
  const { zipPath: zip, packages } = JSON.parse(stdout);
  assert.deepEqual(
    packages.map(({ name }) => name),
    ['app', 'shared', 'tool', 'web'],
  );
  const names = zipNames(zip);
  assert.ok(names.includes('generated/a.py') && !names.includes('docs/a.md'));
});
