// The files of a key are the files of its build: every file that a build can see decides whether the package is built again.
// And installed files are those of the lock.

import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { edit, temporaryFolder, write, writeAll } from './support/files.mjs';
import { interpreter, options, uv } from './support/toolchain.mjs';
import { run } from './support/tools.mjs';
import { writeWheel } from './support/wheels.mjs';
import { HATCHLING, WORKSPACE, fixture, lock, manifest, project } from './support/workspaces.mjs';
import { unzip, zipNames } from './support/zips.mjs';

/** Bundles `app` of a workspace with a cache of the test's own. Returns a function that bundles and unpacks. */
function bundler(test, workspace, others = {}) {
  const settings = { ...options(workspace), cache: true, cacheDir: temporaryFolder(test), ...others };
  return (more = {}) => {
    const bundle = bundleSync({ ...settings, ...more }, temporaryFolder(test));
    return { ...bundle, contents: unzip(bundle.zipPath) };
  };
}

/** A workspace with one member `app` whose manifest has these lines, and files around it. */
function around(test, lines, files) {
  const folder = path.join(temporaryFolder(test), 'workspace');
  writeAll(folder, {
    'pyproject.toml': `[project]\nname = "root"\nversion = "1.0"\nrequires-python = ">=3.9"\n\n[tool.uv]\npackage = false\n\n${WORKSPACE}`,
    'packages/app/pyproject.toml': lines,
    'packages/app/src/app/__init__.py': 'def handler(event, context):\n    return event\n',
    ...files,
  });
  run('git', ['init', '--quiet'], { cwd: folder });
  return lock(folder);
}

const DYNAMIC = '[project]\nname = "app"\ndynamic = ["version"]\nrequires-python = ">=3.9"\n';

describe('files outside of a package', () => {
  test('a version in the manifest of the workspace is seen when it changes', (t) => {
    const lines = `${DYNAMIC}\n${HATCHLING}\n[tool.hatch.version]\npath = "../../pyproject.toml"\npattern = 'version = "(?P<version>[^"]+)"'\n`;
    const workspace = around(t, lines, {});
    const bundle = bundler(t, workspace);
    assert.equal(bundle().packages[0].version, '1.0');
    edit(path.join(workspace, 'pyproject.toml'), 'version = "1.0"', 'version = "2.0"');
    lock(workspace);
    assert.equal(bundle().packages[0].version, '2.0');
  });

  test('a version in a file of the repository is staged, and seen when it changes', (t) => {
    const lines = `${DYNAMIC}\n${HATCHLING}\n[tool.hatch.version]\npath = "../../VERSION.py"\n`;
    const workspace = around(t, lines, { 'VERSION.py': '__version__ = "1.0"\n' });
    const bundle = bundler(t, workspace);
    assert.equal(bundle().packages[0].version, '1.0');
    assert.equal(bundle().reused, true);
    edit(path.join(workspace, 'VERSION.py'), '1.0', '2.0');
    assert.equal(bundle().packages[0].version, '2.0');
  });

  test('data that the build includes from elsewhere ships, and is seen when it changes', (t) => {
    const lines = `${manifest('app')}\n${HATCHLING}\n[tool.hatch.build.targets.wheel.force-include]\n"../shared/data.txt" = "app/data.txt"\n`;
    const workspace = around(t, lines, {
      'packages/shared/data.txt': 'one',
      'packages/shared/pyproject.toml': manifest('shared'),
    });
    const bundle = bundler(t, workspace);
    assert.equal(bundle().contents['app/data.txt'], 'one');
    write(path.join(workspace, 'packages/shared/data.txt'), 'two');
    assert.equal(bundle().contents['app/data.txt'], 'two');
  });

  test('a file that the key does not know is not seen by the build', (t) => {
    // `setup.py` names the file in code, where nobody can read it.
    const lines = `${DYNAMIC}\n[build-system]\nrequires = ["setuptools==80.9.0"]\nbuild-backend = "setuptools.build_meta"\n`;
    const workspace = around(t, lines, {
      'hidden.txt': '1.0',
      'packages/app/setup.py': 'import setuptools\nsetuptools.setup(version=open("../../hid" + "den.txt").read())\n',
    });
    assert.throws(() => bundler(t, workspace)(), { code: 'BUILD_FAILED', message: /hidden\.txt/ });
  });
});

test('a file that is saved while it is bundled is never cached under the digest of other contents', async (t) => {
  const workspace = fixture(t);
  const bundle = bundler(t, workspace);
  const file = path.join(workspace, 'packages/app/src/app/state.py');
  const texts = ['STATE = "first"\n', 'STATE = "other"\n'];
  write(file, texts[0]);
  const editor = spawn(process.execPath, [
    '--eval',
    `const fs = require('node:fs'); let turn = 0; setInterval(() => fs.writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(texts)}[turn++ % 2]), 1);`,
  ]);
  try {
    for (let round = 0; round < 12; round += 1) {
      bundle();
    }
  } finally {
    editor.kill();
    await new Promise((resolve) => editor.once('exit', resolve));
  }
  for (const text of [...texts, ...texts]) {
    write(file, text);
    assert.equal(bundle().contents['app/state.py'], text);
  }
});

describe('the cache of uv', () => {
  test('a file that was edited there through an environment does not ship', (t) => {
    const before = process.env.UV_CACHE_DIR;
    process.env.UV_CACHE_DIR = temporaryFolder(t);
    t.after(() => {
      if (before === undefined) {
        delete process.env.UV_CACHE_DIR;
      } else {
        process.env.UV_CACHE_DIR = before;
      }
    });
    const workspace = project(t, {
      'pyproject.toml': manifest('app', ['six==1.17.0']),
      'main.py': '',
    });
    const original = bundler(t, workspace)();
    const environment = path.join(temporaryFolder(t), 'venv');
    run(uv, ['sync', '--quiet', '--frozen', '--link-mode', 'hardlink', '--python', interpreter], {
      cwd: workspace,
      env: { ...process.env, UV_PROJECT_ENVIRONMENT: environment },
    });
    const packages = path.join(environment, 'lib', fs.readdirSync(path.join(environment, 'lib'))[0], 'site-packages');
    fs.appendFileSync(path.join(packages, 'six.py'), '\nEDITED = True\n');

    const { contents, warnings, sha256 } = bundler(t, workspace)();
    assert.doesNotMatch(contents['six.py'], /EDITED/);
    assert.equal(sha256, original.sha256);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['UV_CACHE_CHANGED'],
    );
    assert.match(warnings[0].message, /`six\.py` .* `six` .* `uv cache clean six`/s);

    // If the wheel cannot be fetched again, the changed file does not ship.
    process.env.UV_OFFLINE = '1';
    t.after(() => delete process.env.UV_OFFLINE);
    assert.throws(() => bundler(t, workspace)(), { code: 'UV_CACHE_CHANGED' });
  });

  test('a wheel whose own RECORD is wrong ships as it is', (t) => {
    const wheels = path.join(temporaryFolder(t), 'wheels');
    writeWheel(
      wheels,
      'odd',
      { 'odd/__init__.py': 'ODD = 1\n' },
      {
        record:
          'odd/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\nodd-1.0.dist-info/METADATA,,\nodd-1.0.dist-info/WHEEL,,\nodd-1.0.dist-info/RECORD,,\n',
      },
    );
    const folder = project(t, {
      'pyproject.toml': `${manifest('app', ['odd'])}\n${HATCHLING}\n[[tool.uv.index]]\nname = "wheels"\nurl = ${JSON.stringify(wheels)}\nformat = "flat"\n`,
      'src/app/__init__.py': '',
    });
    const { contents, warnings } = bundler(t, folder)();
    assert.equal(contents['odd/__init__.py'], 'ODD = 1\n');
    assert.deepEqual(warnings, []);
  });
});

test('two packages that bring different files of one path are named', (t) => {
  const wheels = path.join(temporaryFolder(t), 'wheels');
  writeWheel(wheels, 'one', { 'shared/__init__.py': '', 'shared/x.py': 'X = "one"\n', 'one.py': '' });
  writeWheel(wheels, 'two', { 'shared/__init__.py': '', 'shared/x.py': 'X = "two"\n', 'two.py': '' });
  const folder = project(t, {
    'pyproject.toml': `${manifest('app', ['one', 'two'])}\n${HATCHLING}\n[[tool.uv.index]]\nname = "wheels"\nurl = ${JSON.stringify(wheels)}\nformat = "flat"\n`,
    'src/app/__init__.py': '',
  });
  const bundle = bundler(t, folder);
  for (const reused of [false, true]) {
    const { contents, warnings, ...made } = bundle();
    assert.equal(made.reused, reused);
    assert.equal(contents['shared/x.py'], 'X = "one"\n');
    assert.deepEqual(warnings, [
      {
        code: 'FILE_IN_TWO_PACKAGES',
        message: '`one` and `two` bring different files `shared/x.py`: those of `one` ship',
      },
    ]);
  }
});

test('bytecode that commands after the bundling leave is made again', (t) => {
  const workspace = fixture(t);
  const { zipPath: zip } = bundleSync(
    {
      ...options(workspace),
      hooks: { beforeZip: [[interpreter, '-m', 'compileall', '-q', 'app'], 'echo "X = 1" > app/made.py'] },
    },
    temporaryFolder(t),
  );
  const names = zipNames(zip);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.some((name) => /^app\/__pycache__\/made\..*\.pyc$/.test(name)));
});

describe('the handler is checked against the finished zip', () => {
  test('another handler of the same package is a cache hit', (t) => {
    const workspace = fixture(t);
    write(path.join(workspace, 'packages/app/src/app/second.py'), 'def handler(event, context):\n    return event\n');
    const bundle = bundler(t, workspace);
    assert.equal(bundle({ handler: 'app.main.handler' }).reused, false);
    assert.equal(bundle({ handler: 'app.second.handler' }).reused, true);
  });

  test('a wrong handler leaves the cached zip for the right one', (t) => {
    const bundle = bundler(t, fixture(t));
    const first = bundle({ handler: 'app.main.handler' });
    assert.throws(() => bundle({ handler: 'app.main.handel' }), { code: 'HANDLER_NOT_FOUND' });
    assert.throws(() => bundle({ handler: 'app.mian.handler' }), { code: 'HANDLER_NOT_FOUND' });
    const again = bundle({ handler: 'app.main.handler' });
    assert.deepEqual([again.reused, again.sha256], [true, first.sha256]);
  });
});
