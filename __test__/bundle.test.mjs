// Bundles made for real: real uv, real CPython, a real workspace.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { bundle, bundleSync } from '../index.js';
import { bundleCommand } from './support/command-line.mjs';
import { assertRefused } from './support/errors.mjs';
import { copyPackage, edit, snapshot, temporaryFolder, write, writeAll } from './support/files.mjs';
import { checkVersionFromGit } from './support/git-versions.mjs';
import { invoke } from './support/invoke.mjs';
import { whyNoProgram } from './support/prepared.mjs';
import { bytecodeOf, interpreter, options, pythonVersion, runtimeClient, uv } from './support/toolchain.mjs';
import { ensureUv, isRoot, root, run, systemPython, withVariables } from './support/tools.mjs';
import { fixture, lock, manifest, project } from './support/workspaces.mjs';
import { unzip, zipEntries, zipNames } from './support/zips.mjs';

/** Bundles in a process of its own, with its own environment, user and file mode mask. Returns the SHA-256. */
function bundleElsewhere(bundleOptions, output, { prefix = [], env = {}, cwd = root, folder } = {}) {
  const [command, ...args] = [...prefix, ...bundleCommand(bundleOptions, output, folder)];
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '');
  return stderr;
}

describe('a bundle', () => {
  test('holds the package, the libraries it uses and its third-party packages, and nothing else', (t) => {
    const { zipPath: zip, packages, python, notCompiled, files } = bundleSync(options(fixture(t)), temporaryFolder(t));
    assert.equal(path.basename(zip), 'app.zip');
    const names = zipNames(zip);
    const modules = [
      ['acme_greeting', '__init__'],
      ['app', '__init__'],
      ['app', 'main'],
      ['library', '__init__'],
    ];
    const metadata = (folder, ...others) =>
      ['METADATA', 'RECORD', 'WHEEL', ...others].map((name) => `${folder}.dist-info/${name}`);
    const expected = [
      ...modules.flatMap(([folder, module]) => [`${folder}/${module}.py`, bytecodeOf(folder, module)]),
      'acme_greeting/greeting.txt',
      'acme_greeting/template.py', // No Python: ships as it is, and has no bytecode.
      'library/py.typed',
      ...metadata('acme_greeting-1.0', 'entry_points.txt'),
      ...metadata('app-1.0'),
      ...metadata('library-1.0'),
    ];
    assert.deepEqual(names.toSorted(), expected.toSorted());
    assert.equal(files, names.length);
    assert.equal(notCompiled, 1);
    assert.deepEqual(
      packages.map(({ name, version }) => `${name} ${version}`),
      ['acme-greeting 1.0', 'app 1.0', 'library 1.0'],
    );
    assert.match(python, new RegExp(`^${pythonVersion.replace('.', '\\.')}\\.\\d+$`));
  });

  test('has entries in the order of their bytes, with fixed times', (t) => {
    const { zipPath: zip } = bundleSync(options(fixture(t)), temporaryFolder(t));
    const names = zipNames(zip);
    assert.deepEqual(
      names,
      names.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
    );
    for (const { name, time, mode } of zipEntries(zip, interpreter)) {
      assert.deepEqual([time, mode & 0o777], [[1980, 1, 1, 0, 0, 0], 0o644], name);
    }
  });

  test('runs in the runtime client of Lambda, with its data and metadata', async (t) => {
    const { zipPath: zip } = bundleSync(options(fixture(t)), temporaryFolder(t));
    const [answer] = await invoke({ zip, handler: 'app.main.handler', events: [{ name: 'Ada' }], runtimeClient });
    assert.deepEqual(answer, { greeting: 'Hello, Ada!', answer: 42, version: '1.0', plugins: ['greet'], missing: [] });
  });

  test('is made without blocking the event loop, several at once', async (t) => {
    const workspace = fixture(t);
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 5);
    const members = ['app', 'other', 'app'];
    const bundles = await Promise.all(
      members.map((packageName) => bundle(options(workspace, { packageName }), temporaryFolder(t))),
    );
    clearInterval(ticking);
    assert.ok(ticks > 10, `the event loop turned ${ticks} times`);
    assert.equal(bundles[0].sha256, bundles[2].sha256);
    assert.notEqual(bundles[0].sha256, bundles[1].sha256);
  });

  test('is of the member that `path` lies in, where no package is named', (t) => {
    const folder = path.join(fixture(t), 'packages/other/src');
    const { zipPath: zip } = bundleSync(options(folder, { packageName: undefined }), temporaryFolder(t));
    assert.equal(path.basename(zip), 'other.zip');
  });

  test('has odd file names as they are', (t) => {
    const workspace = fixture(t, path.join(temporaryFolder(t), 'a "workspace" with späces & $HOME'));
    const odd = `it's "ödd" $(name) & more`;
    fs.writeFileSync(path.join(workspace, 'packages/app/src/app', `${odd}.txt`), odd);
    fs.writeFileSync(path.join(workspace, 'packages/app/src/app/empty.py'), '');
    const { zipPath: zip } = bundleSync(options(workspace), path.join(temporaryFolder(t), 'öut "put"'));
    const contents = unzip(zip);
    assert.equal(Buffer.from(contents[`app/${odd}.txt`], 'latin1').toString(), odd);
    assert.ok(bytecodeOf('app', 'empty') in contents);
  });
});

describe('commands of the user', () => {
  test('run in the copy before the build, and in the files that ship after it', (t) => {
    const workspace = fixture(t);
    const before = snapshot(workspace);
    const hooks = {
      beforeBuild: [['sh', '-c', 'echo "MADE = 1" > src/app/made.py'], 'cp src/app/made.py "src/app/a b.py"'],
      beforeZip: ['rm -r acme_greeting-1.0.dist-info && ln -s app/made.py linked.py'],
    };
    const { zipPath: zip, packages } = bundleSync(options(workspace, { hooks }), temporaryFolder(t));
    const contents = unzip(zip);
    assert.equal(contents['app/made.py'], 'MADE = 1\n');
    assert.equal(contents['app/a b.py'], 'MADE = 1\n');
    assert.equal(contents['linked.py'], 'MADE = 1\n');
    assert.ok(bytecodeOf('app', 'made') in contents);
    assert.ok(!Object.keys(contents).some((name) => name.startsWith('acme_greeting-1.0')));
    assert.equal(packages.length, 3);
    assert.ok(isDeepStrictEqual(snapshot(workspace), before));
  });

  test('that fail say which, and their own words', (t) => {
    const hooks = { beforeZip: ['echo the cause >&2; exit 3'] };
    assert.throws(() => bundleSync(options(fixture(t), { hooks }), temporaryFolder(t)), {
      code: 'HOOK_FAILED',
      message: /the `beforeZip` command `echo the cause.*` failed \(exit status: 3\):\nthe cause$/,
    });
  });
});

describe('an application without a build system', () => {
  test('has its own files beside its dependencies', async (t) => {
    const workspace = fixture(t);
    const folder = path.join(workspace, 'packages/other');
    fs.rmSync(path.join(folder, 'src'), { recursive: true });
    writeAll(folder, {
      'pyproject.toml': manifest('other', ['library']),
      'main.py':
        'from library import ANSWER\n\ndef handler(event, context):\n    return open("data.txt").read() + str(ANSWER)\n',
      'data.txt': 'data ',
      '.env': 'SECRET=1',
    });
    lock(workspace);
    const { zipPath: zip, packages } = bundleSync(
      options(workspace, { packageName: 'other', handler: 'main.handler' }),
      temporaryFolder(t),
    );
    assert.deepEqual(
      packages.map(({ name }) => name),
      ['library', 'other'],
    );
    const names = zipNames(zip);
    assert.ok(
      names.includes('data.txt') && !names.includes('.env') && !names.includes('pyproject.toml'),
      names.join(' '),
    );
    assert.deepEqual(await invoke({ zip, handler: 'main.handler', events: [{}], runtimeClient }), ['data 42']);
  });
});

describe('a change', () => {
  const edits = {
    'of the member': 'packages/app/src/app/main.py',
    'of a library that it uses': 'packages/library/src/library/__init__.py',
  };
  for (const [what, file] of Object.entries(edits)) {
    test(`${what} is in the next bundle, and undoing it brings the first bytes back`, (t) => {
      const workspace = fixture(t);
      const source = path.join(workspace, file);
      const build = () => bundleSync(options(workspace), temporaryFolder(t));
      const before = build();
      const original = fs.readFileSync(source);
      fs.appendFileSync(source, '\nCHANGED = True\n');
      const changed = build();
      assert.ok(unzip(changed.zipPath)[file.split('/src/')[1]].includes('CHANGED = True'));
      fs.writeFileSync(source, original);
      assert.notEqual(changed.sha256, before.sha256);
      assert.equal(build().sha256, before.sha256);
    });
  }

  test('of a package that it does not use changes nothing', (t) => {
    const workspace = fixture(t);
    const before = bundleSync(options(workspace), temporaryFolder(t));
    fs.appendFileSync(path.join(workspace, 'packages/other/src/other/__init__.py'), '\nCHANGED = True\n');
    assert.equal(bundleSync(options(workspace), temporaryFolder(t)).sha256, before.sha256);
  });
});

// Other backends: `shapes.long.mjs`.
test('a version that hatch-vcs takes from git comes out right', (t) => checkVersionFromGit(t, 'hatch-vcs'));

describe("the user's tree", () => {
  test('is not touched, and may be read-only', (t) => {
    const workspace = fixture(t);
    // A version that the backend computes, and a backend that writes into the tree it builds.
    const buildSystem = '[build-system]\nrequires = ["setuptools==80.9.0"]\nbuild-backend = "setuptools.build_meta"\n';
    write(path.join(workspace, 'packages/library/pyproject.toml'), manifest('library', [], buildSystem));
    spawnSync('chmod', ['-R', 'a-w', workspace]);
    t.after(() => spawnSync('chmod', ['-R', 'u+w', workspace]));
    const before = snapshot(workspace);
    const { packages } = bundleSync(options(workspace), temporaryFolder(t));
    assert.equal(packages.length, 3);
    assert.ok(isDeepStrictEqual(snapshot(workspace), before));
  });
});

describe('the same bytes come out', () => {
  test('in two folders, and with another home, time zone, locale and file mode mask', (t) => {
    const expected = bundleSync(options(fixture(t)), temporaryFolder(t)).sha256;
    const elsewhere = fixture(t, path.join(temporaryFolder(t), 'quite/another place'));
    const masked = bundleElsewhere(options(elsewhere), temporaryFolder(t), {
      prefix: ['sh', '-c', 'umask 077; exec "$@"', 'sh'],
      env: {
        HOME: temporaryFolder(t),
        UV_CACHE_DIR: temporaryFolder(t),
        TZ: 'Asia/Tokyo',
        LC_ALL: 'tr_TR.UTF-8',
        PYTHONOPTIMIZE: '2',
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    assert.equal(masked, expected);
  });

  // Interpreters of version managers are in the home of one user.
  const system = systemPython();
  const skip =
    (!isRoot && 'only root can become another user') ||
    whyNoProgram('setpriv') ||
    (!system && 'no interpreter that every user may run');
  test('for another user', { skip }, (t) => {
    const [version, python] = system;
    const settings = { runtime: `python${version}`, python };
    const expected = bundleSync(options(fixture(t), settings), temporaryFolder(t)).sha256;
    const place = temporaryFolder(t);
    const workspace = fixture(t, path.join(place, 'workspace'));
    // uv and this package may be in root's home, which the other user cannot read: both are copied.
    const otherUv = path.join(place, 'uv');
    fs.copyFileSync(uv, otherUv);
    fs.chmodSync(otherUv, 0o755);
    const folder = copyPackage(path.join(place, 'package'));
    const home = path.join(place, 'home');
    fs.mkdirSync(home);
    run('chown', ['-R', '65534:65534', home]);
    fs.chmodSync(place, 0o755);
    const actual = bundleElsewhere(options(workspace, { ...settings, uv: otherUv }), path.join(home, 'out'), {
      prefix: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      env: { HOME: home },
      cwd: place,
      folder,
    });
    assert.equal(actual, expected);
  });

  test('whatever the user has told uv in a file of their own', (t) => {
    const expected = bundleSync(options(fixture(t)), temporaryFolder(t)).sha256;
    const configuration = temporaryFolder(t);
    write(
      path.join(configuration, 'uv/uv.toml'),
      'no-binary-package = ["acme-greeting"]\nlink-mode = "symlink"\ncompile-bytecode = true\n',
    );
    withVariables({ XDG_CONFIG_HOME: configuration }, () =>
      assert.equal(bundleSync(options(fixture(t)), temporaryFolder(t)).sha256, expected),
    );
  });

  test('with the oldest uv that is supported', (t) => {
    const expected = bundleSync(options(fixture(t)), temporaryFolder(t)).sha256;
    const oldest = bundleSync(options(fixture(t), { uv: ensureUv('0.8.0') }), temporaryFolder(t));
    assert.equal(oldest.sha256, expected);
  });
});

describe('bad input', () => {
  /** Asserts that bundling fails with a code and a message. */
  function fails(bundleOptions, code, message, output = '/nonexistent') {
    assertRefused(() => bundleSync(bundleOptions, output), code, message);
  }

  test('no lockfile above the path', (t) => {
    fails(options(temporaryFolder(t)), 'NO_LOCKFILE', /no `uv\.lock` in `.*` or any folder above it: run `uv lock`/);
  });

  test('a path that is missing, or a file', (t) => {
    const workspace = fixture(t);
    fails(options(path.join(workspace, 'nowhere')), 'PATH_NOT_FOUND', /`.*nowhere` \(option `path`\) does not exist/);
    fails(
      options(path.join(workspace, 'uv.lock')),
      'PATH_NOT_A_FOLDER',
      /`.*uv\.lock` \(option `path`\) is not a folder/,
    );
  });

  test('a lockfile that is no lockfile', (t) => {
    const workspace = fixture(t);
    fs.writeFileSync(path.join(workspace, 'uv.lock'), '<<<<<<< HEAD\n');
    fails(options(workspace), 'BAD_LOCKFILE', /failed to parse `.*uv\.lock`.*run `uv lock`/s);
  });

  test('a lockfile that no longer matches', (t) => {
    const workspace = fixture(t);
    edit(path.join(workspace, 'packages/app/pyproject.toml'), '"acme-greeting"', '"acme-greeting", "acme-dev"');
    fails(options(workspace), 'LOCKFILE_OUTDATED', /`uv\.lock` does not match `pyproject\.toml`: run `uv lock`/);
  });

  test('an unknown package', (t) => {
    fails(
      options(fixture(t), { packageName: 'librery' }),
      'UNKNOWN_PACKAGE',
      /no member `librery` \(did you mean `library`\?\); its members are `app`, `fixture`, `library` and `other`/,
    );
  });

  test('no package, where there are several', (t) => {
    fails(
      options(fixture(t), { packageName: undefined }),
      'PACKAGE_REQUIRED',
      /several members: name one in the option `packageName`/,
    );
  });

  test('a Python that Lambda does not have', (t) => {
    fails(
      options(fixture(t), { runtime: 'python3.8' }),
      'UNKNOWN_RUNTIME',
      /no Python runtime `python3\.8` \(option `runtime`\): it takes `python3\.9`/,
    );
  });

  test('an interpreter of another version', (t) => {
    const other = pythonVersion === '3.12' ? '3.11' : '3.12';
    fails(
      options(fixture(t), { runtime: `python${other}` }),
      'INVALID_OPTIONS',
      /\(option `python`\) is CPython .* needs CPython 3\.1/,
    );
  });

  test('a package with nothing in it', (t) => {
    // CDK would cache an empty result, and not ask again.
    const folder = project(t, { 'pyproject.toml': manifest('nothing') });
    fails(options(folder, { packageName: 'nothing' }), 'EMPTY_BUNDLE', /the bundle of `nothing` is empty/);
  });

  test('a handler whose module is not in the bundle', (t) => {
    fails(
      options(fixture(t), { handler: 'app.mian.handler' }),
      'HANDLER_NOT_FOUND',
      /needs the module `app\.mian`, which is not in the bundle \(did you mean `app\.main`\?\)/,
    );
  });

  test('an option misspelt or of the wrong type', (t) => {
    const workspace = fixture(t);
    fails(
      { ...options(workspace), architectur: 'arm64' },
      'INVALID_OPTIONS',
      /unknown option `architectur` \(did you mean `architecture`\?\)/,
    );
    fails(options(workspace, { packageName: 7 }), 'INVALID_OPTIONS', /`packageName` must be a string, not a number/);
    fails(undefined, 'INVALID_OPTIONS', /must be an object, not null/);
    fails({ ...options(workspace), uv: () => uv }, 'INVALID_OPTIONS', /must be plain values: .*function/);
  });

  test('an output folder that cannot be written to', (t) => {
    const file = path.join(temporaryFolder(t), 'file');
    fs.writeFileSync(file, '');
    fails(options(fixture(t)), 'OUTPUT_NOT_WRITABLE', /failed to write the bundle to `.*file\/app\.zip`/, file);
  });

  test('a local package that does not build, in the words of its backend', (t) => {
    const workspace = fixture(t);
    fs.rmSync(path.join(workspace, 'packages/library/src'), { recursive: true });
    fails(
      options(workspace),
      'BUILD_FAILED',
      /failed to build the local package `library`.*Unable to determine which files to ship/s,
    );
  });

  test('an index out of reach: the words of uv, credentials masked', (t) => {
    const workspace = fixture(t);
    fs.rmSync(path.join(workspace, 'packages/other'), { recursive: true });
    edit(path.join(workspace, 'packages/app/pyproject.toml'), '"acme-greeting"', '"acme-greeting", "acme-other"');
    withVariables({ UV_DEFAULT_INDEX: 'http://user:hunter2@127.0.0.1:9/simple', UV_HTTP_RETRIES: '0' }, () => {
      fails(options(workspace), 'UV_FAILED', /`uv lock --check` failed/);
      assert.throws(
        () => bundleSync(options(workspace), '/nonexistent'),
        (error) => !error.message.includes('hunter2'),
      );
    });
  });
});

describe('what a container could do', () => {
  test('is told apart by its code: no uv, an old uv, no interpreter', (t) => {
    const workspace = fixture(t);
    const fails = (bundleOptions, code) =>
      assert.throws(
        () => bundleSync(bundleOptions, temporaryFolder(t)),
        (error) => error.code === code || assert.fail(`${error.code} ${error.message}`),
      );
    withVariables({ PATH: temporaryFolder(t) }, () => fails(options(workspace, { uv: undefined }), 'UV_NOT_FOUND'));
    fails(options(workspace, { uv: ensureUv('0.7.22') }), 'UV_TOO_OLD');
    withVariables({ UV_OFFLINE: '1', PYENV_ROOT: temporaryFolder(t) }, () =>
      fails(options(workspace, { python: undefined, runtime: 'python3.15' }), 'PYTHON_NOT_FOUND'),
    );
  });

  test('a pinned patch version is the only one that will do', (t) => {
    const workspace = fixture(t);
    fs.writeFileSync(path.join(workspace, '.python-version'), `${pythonVersion}.99\n`);
    withVariables({ UV_OFFLINE: '1' }, () =>
      assert.throws(() => bundleSync(options(workspace, { python: undefined }), temporaryFolder(t)), {
        code: 'PYTHON_NOT_FOUND',
        message: new RegExp(`no CPython ${pythonVersion}\\.99 \\(from \`\\.python-version\`\\) was found`),
      }),
    );
  });
});
