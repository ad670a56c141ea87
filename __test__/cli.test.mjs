// The command line, as `npx` starts it: its texts, its JSON, its exit codes.

import * as assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { bundleSync, diffSync } from '../index.js';
import { appFlags, cli, program, toolFlags } from './support/command-line.mjs';
import { edit, temporaryFolder } from './support/files.mjs';
import { options, runtimeName, uv } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';

describe('bundle', () => {
  test('writes the zip and says what it is, to people and to programs', (t) => {
    const workspace = fixture(t);
    const output = temporaryFolder(t);
    const human = cli(['bundle', ...appFlags(workspace), '--output', output]);
    assert.deepEqual([human.status, human.stderr], [0, '']);
    const zip = path.join(output, 'app.zip');
    const [first, sha256] = human.stdout.split('\n');
    assert.equal(first, zip);
    assert.match(human.stdout, /^ {2}packages {2}acme-greeting 1\.0, app 1\.0, library 1\.0$/m);

    const json = cli(['bundle', ...appFlags(workspace), '--output', output, '--json']);
    assert.deepEqual([json.status, json.stderr], [0, '']);
    const { seconds, ...told } = JSON.parse(json.stdout);
    const { seconds: otherSeconds, ...returned } = bundleSync(options(workspace, { cache: true }), output);
    assert.deepEqual(told, returned);
    assert.deepEqual([typeof seconds, typeof otherSeconds], ['number', 'number']);
    assert.ok(sha256.endsWith(` ${returned.sha256}`));
  });

  test('needs no package where the folder says which', (t) => {
    const cwd = path.join(fixture(t), 'packages/other');
    const { status, stderr } = cli(['bundle', ...toolFlags, '--output', 'out'], { cwd });
    assert.equal(status, 0, stderr);
    assert.ok(fs.existsSync(path.join(cwd, 'out/other.zip')));
  });
});

describe('--options', () => {
  test('takes the options of the Node package, and errors have their names', (t) => {
    const workspace = fixture(t);
    const output = temporaryFolder(t);
    const build = (...args) => cli(['bundle', '--json', '--output', output, ...args]);
    const { status, stdout, stderr } = build('--options', JSON.stringify(options(workspace)));
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(stdout).sha256, bundleSync(options(workspace), output).sha256);

    const wrong = build('--options', JSON.stringify(options(workspace, { runtime: 'python3.8' })));
    assert.equal(wrong.status, 2);
    assert.match(
      wrong.stderr,
      /^error\[UNKNOWN_RUNTIME\]: .* no Python runtime `python3\.8` \(option `runtime`\): it takes `python3\.9`/,
    );
    const both = build('--options', '{}', '--package', 'app');
    assert.equal(both.status, 2);
    assert.match(
      both.stderr,
      /^error\[INVALID_OPTIONS\]: the argument '--options <JSON>' cannot be used with '--package/,
    );
  });
});

describe('diff', () => {
  test('says which packages and files changed', (t) => {
    const workspace = fixture(t);
    const [before, after] = ['before', 'after'].map((name) => path.join(temporaryFolder(t), name));
    const first = bundleSync(options(workspace), before).zipPath;
    edit(path.join(workspace, 'packages/library/pyproject.toml'), 'version = "1.0"', 'version = "1.1"');
    edit(path.join(workspace, 'uv.lock'), 'name = "library"\nversion = "1.0"', 'name = "library"\nversion = "1.1"');
    fs.writeFileSync(path.join(workspace, 'packages/library/src/library/new.txt'), '12345');
    const second = bundleSync(options(workspace), after).zipPath;

    const human = cli(['diff', first, second]);
    assert.equal(human.status, 1, human.stderr);
    assert.match(human.stdout, /^packages\n {2}~ library {2}1\.0 -> 1\.1\nfiles\n/);
    assert.match(human.stdout, /^ {2}\+ library\/new\.txt {2}5 B$/m);
    assert.match(human.stdout, /^ {2}- library-1\.0\.dist-info\/METADATA {2}\d+ B$/m);

    const json = cli(['diff', first, second, '--json']);
    assert.equal(json.status, 1, json.stderr);
    const diff = JSON.parse(json.stdout);
    assert.deepEqual(diff, diffSync(first, second));
    assert.equal(diff.identical, false);
    assert.deepEqual(diff.packages, [{ name: 'library', before: '1.0', after: '1.1' }]);
    assert.deepEqual(
      diff.files.find((file) => file.path === 'library/new.txt'),
      { path: 'library/new.txt', after: 5 },
    );

    const same = cli(['diff', first, first]);
    assert.equal(same.status, 0);
    assert.equal(same.stdout, `identical: the same bytes\n  sha256  ${diff.before.sha256}\n`);
    assert.equal(diffSync(first, first).identical, true);
  });

  test('of what is no zip is an error with a code', (t) => {
    const file = path.join(temporaryFolder(t), 'a.zip');
    fs.writeFileSync(file, 'no zip');
    assert.throws(() => diffSync(file, file), { code: 'BAD_ZIP', message: /failed to read the zip `.*a\.zip`/ });
    assert.throws(() => diffSync('/nowhere.zip', file), { code: 'IO', message: /`\/nowhere\.zip`/ });
  });
});

describe('what goes wrong', () => {
  /** Asserts the exit code and the beginning of stderr; stdout stays empty. */
  function fails(args, status, beginning, settings) {
    const answer = cli(args, settings);
    assert.deepEqual([answer.status, answer.stdout], [status, ''], answer.stderr);
    assert.match(answer.stderr, beginning);
  }

  test('is said on stderr with its code, in the words of the command line', (t) => {
    const workspace = fixture(t);
    const bundle = (...args) => ['bundle', '--path', workspace, '--output', '/nonexistent', ...args];
    fails(
      bundle('--package', 'app', '--exclude', '# nothing'),
      2,
      /^error\[INVALID_OPTIONS\]: the option `--exclude` is `# nothing`: in a `\.gitignore` that is a comment/,
    );
    fails(
      bundle('--runtime', 'python3.8'),
      2,
      /^error\[UNKNOWN_RUNTIME\]: .* \(option `--runtime`\): it takes `python3\.9`/,
    );
    fails(
      bundle('--runtime', 'python3.13', '--pakage', 'app'),
      2,
      /^error\[INVALID_OPTIONS\]: unexpected argument '--pakage'/,
    );
    fails(
      bundle('--runtime', runtimeName, '--uv', uv),
      2,
      /^error\[PACKAGE_REQUIRED\]: .*name one in the option `--package`/,
    );
    fails(
      ['bundle', '--path', temporaryFolder(t), '--runtime', 'python3.13', '--output', '/nonexistent'],
      2,
      /^error\[NO_LOCKFILE\]: no `uv\.lock` in `.*` or any folder above it: run `uv lock`/,
    );
  });

  test('and could be done in a container has an exit code of its own', (t) => {
    const app = ['--path', fixture(t), '--package', 'app', '--runtime', runtimeName];
    const args = ['bundle', ...app, '--output', '/nonexistent'];
    const env = { ...process.env, PATH: temporaryFolder(t) };
    fails(args, 3, /^error\[UV_NOT_FOUND\]: `uv` is not on PATH/, { env });
    const json = cli([...args, '--json'], { env });
    assert.equal(json.status, 3);
    const { error } = JSON.parse(json.stdout);
    assert.equal(error.code, 'UV_NOT_FOUND');
    assert.match(error.message, /^`uv` is not on PATH/);
  });
});

const noShell = process.platform === 'win32' && 'no `sh` and no signals on Windows';
describe('the terminal', { skip: noShell }, () => {
  test('may close its end', (t) => {
    const [a, b] = ['a', 'b'].map(
      (name) => bundleSync(options(fixture(t)), path.join(temporaryFolder(t), name)).zipPath,
    );
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', '("$@"; echo "exit code $?" >&2) | true', 'sh', process.execPath, program, 'diff', '--json', a, b],
      { encoding: 'utf8' },
    );
    assert.deepEqual([status, stdout, stderr], [0, '', 'exit code 0\n']);
  });

  test('interrupts the work', async (t) => {
    const child = spawn(process.execPath, [program, 'verify', ...appFlags(fixture(t))], { stdio: 'ignore' });
    // Verifying takes longer: it waits for the clock.
    setTimeout(() => child.kill('SIGINT'), 800);
    const [status, signal] = await once(child, 'exit');
    assert.deepEqual([status, signal], [null, 'SIGINT']);
  });
});
