// Which Python compiles where nobody chooses one: the version that this release names for the runtime, downloaded by uv. The downloads
// come from a mirror on this machine, with stand-ins for the real Pythons (`support/python-mirror.mjs`).

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { program } from './support/command-line.mjs';
import { temporaryFolder } from './support/files.mjs';
import { standIn, startPythonMirror } from './support/python-mirror.mjs';
import { interpreter, pythonVersion, runtimeName, uv } from './support/toolchain.mjs';
import { ensureUv, fullVersion } from './support/tools.mjs';
import { workspace } from './support/workspaces.mjs';

/** The version of the Python of this machine. */
const found = fullVersion(interpreter);

/** The version that this release names for the runtime. */
const verb = ['python', '--json', '--runtime', runtimeName, '--uv', uv];
const pinned = (await runCli(verb, process.env)).value[0].default;

const skip =
  (process.platform !== 'linux' && 'the stand-in is made on Linux') ||
  (found === pinned && `this machine has ${pinned} itself`);

/** Runs the command line to its end, while this process serves the mirror: `{ status, value, stderr }`. */
function runCli(args, env) {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: child.exitCode, value: stdout && JSON.parse(stdout), stderr }),
    );
  });
}

/** A machine: folders of its own for Pythons and for the cache, and `variables`. Without a Python, unless `hasPython`. */
function machine(t, { hasPython = true, variables = {} } = {}) {
  const folder = temporaryFolder(t);
  const nothing = path.join(folder, 'nothing');
  fs.mkdirSync(nothing);
  const { UV_PYTHON_DOWNLOADS: _, ...others } = process.env;
  return {
    ...others,
    PATH: hasPython ? path.dirname(interpreter) : nothing,
    PYENV_ROOT: nothing,
    UV_PYTHON_INSTALL_DIR: path.join(folder, 'pythons'),
    UV_LAMBDA_CDK_CACHE_DIR: path.join(folder, 'cache'),
    UV_HTTP_RETRIES: '0',
    ...variables,
  };
}

/** The flags of a bundle of a member of a workspace. */
const flags = (folder, output, { member = 'one', tool = uv } = {}) => [
  ...['bundle', '--json', '--path', folder, '--package', member, '--runtime', runtimeName],
  ...['--uv', tool, '--output', output],
];

async function bundle(t, folder, env, settings) {
  const { status, value, stderr } = await runCli(flags(folder, temporaryFolder(t), settings), env);
  assert.equal(status, 0, stderr);
  return { ...value, stderr, codes: value.warnings.map(({ code }) => code) };
}

/** A mirror that has the pinned version; `settings` say what is wrong with it. */
const mirror = (t, settings) =>
  startPythonMirror(t, {
    ...{ uv, folder: temporaryFolder(t), version: pinned, archive: standIn(interpreter, pinned) },
    ...settings,
  });

describe('the Python of a runtime', { skip }, () => {
  test('two machines with other Pythons make the same bytes, and download once', async (t) => {
    const { variables, requests } = await mirror(t);
    const folder = workspace(t);
    const first = machine(t, { variables });
    const second = machine(t, { variables, hasPython: false });
    const one = await bundle(t, folder, first);
    // The oldest uv that works.
    const other = await bundle(t, folder, second, { tool: ensureUv('0.8.0') });
    for (const { python, codes, stderr } of [one, other]) {
      assert.deepEqual([python, codes], [pinned, []]);
      assert.match(
        stderr,
        new RegExp(
          `^uv-lambda-cdk: uv downloads CPython ${pinned}, which .* \\(once for this machine, [\\d.]+MiB\\)\n$`,
        ),
      );
    }
    assert.equal(one.sha256, other.sha256);
    assert.equal(requests(), 2);

    const again = await bundle(t, folder, first);
    const sibling = await bundle(t, folder, first, { member: 'two' });
    assert.deepEqual([again.reused, again.stderr, sibling.stderr, sibling.python], [true, '', '', pinned]);
    assert.equal(requests(), 2);
    assert.deepEqual(
      fs.readdirSync(first.UV_PYTHON_INSTALL_DIR).filter((name) => name === 'bin'),
      [],
    );
  });

  test('where uv may not download, what is found compiles, with a warning, until the Python is there', async (t) => {
    const { variables, requests } = await mirror(t);
    const folder = workspace(t);
    const env = machine(t, { variables });
    for (const [setting, reason] of [
      [{ UV_PYTHON_DOWNLOADS: 'never' }, '`python-downloads` of uv is `never`'],
      [{ UV_PYTHON_DOWNLOADS: 'manual' }, '`python-downloads` of uv is `manual`'],
      [{ UV_OFFLINE: '1' }, 'uv is offline'],
    ]) {
      const { python, warnings } = await bundle(t, folder, { ...env, ...setting });
      assert.equal(python, found);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['PYTHON_NOT_PINNED'],
      );
      for (const part of [found, pinned, reason, '`.python-version`', `\`uv python install ${pinned}\``]) {
        assert.ok(warnings[0].message.includes(part), warnings[0].message);
      }
    }
    fs.writeFileSync(path.join(folder, 'uv.toml'), 'python-downloads = "never"\n');
    const { codes, python } = await bundle(t, folder, env);
    assert.deepEqual([codes, python, requests()], [['PYTHON_NOT_PINNED'], found, 0]);

    fs.writeFileSync(path.join(folder, '.python-version'), `${found}\n`);
    const silenced = await bundle(t, folder, env);
    assert.deepEqual([silenced.codes, silenced.python], [[], found]);

    fs.rmSync(path.join(folder, 'uv.toml'));
    fs.writeFileSync(path.join(folder, '.python-version'), `${pythonVersion}\n`);
    assert.deepEqual([(await bundle(t, folder, env)).python, requests()], [pinned, 1]);
    const offline = await bundle(t, folder, { ...env, UV_OFFLINE: '1' });
    assert.deepEqual([offline.python, offline.codes], [pinned, []]);
  });

  test('a mirror that serves something else is refused with the reason, and asked once', async (t) => {
    const text = path.join(temporaryFolder(t), 'page.html');
    fs.writeFileSync(text, '<html>Sign in</html>');
    const wrong = standIn(interpreter, found);
    for (const [settings, reason] of [
      [{ hash: '0'.repeat(64) }, /Hash mismatch/],
      [{ archive: text }, /Failed to extract archive.*gzip/],
      [{ archive: wrong }, new RegExp(`uv installed a CPython ${pinned} that says it is CPython ${found}`)],
      [{ answer: (response) => response.writeHead(404).end() }, /404 Not Found/],
    ]) {
      const { variables, requests } = await mirror(t, settings);
      const folder = workspace(t);
      const env = machine(t, { variables });
      const { python, warnings } = await bundle(t, folder, env);
      assert.equal(python, found);
      assert.match(warnings[0].message, reason);
      const other = await bundle(t, folder, env, { member: 'two' });
      assert.deepEqual([other.codes, requests()], [['PYTHON_NOT_PINNED'], 1]);
    }
  });

  test('of several processes one downloads, and one that is killed leaves nothing', async (t) => {
    // The first answer stops in the middle.
    const { variables, requests } = await mirror(t, {
      answer: (response, contents, number) => {
        response.writeHead(200, { 'content-length': contents.length });
        if (number === 1) {
          response.write(contents.subarray(0, 100_000));
        } else {
          response.end(contents);
        }
      },
    });
    const folder = workspace(t);
    const env = machine(t, { variables });
    const killed = spawn(process.execPath, [program, ...flags(folder, temporaryFolder(t))], { env, stdio: 'pipe' });
    await new Promise((resolve) => killed.stderr.on('data', (line) => /uv downloads/.test(line) && resolve()));
    killed.kill('SIGKILL');
    const bundles = await Promise.all(['one', 'two', 'one'].map((member) => bundle(t, folder, env, { member })));
    assert.deepEqual(
      bundles.map(({ python, codes }) => [python, codes]),
      Array(3).fill([pinned, []]),
    );
    assert.equal(requests(), 2);
  });

  test('the verb `python` says which one and why, and downloads nothing', async (t) => {
    const { variables, requests } = await mirror(t);
    const folder = workspace(t);
    const env = machine(t, { variables });
    const python = async (...more) => {
      const { value } = await runCli([...verb, '--path', folder, ...more], env);
      const [{ version, source, reason }] = value;
      return [version, source, reason];
    };
    assert.deepEqual(await python(), [pinned, 'download', 'the default; uv downloads it for the first bundle']);
    env.UV_PYTHON_DOWNLOADS = 'never';
    assert.deepEqual(await python(), [
      ...[found, 'found'],
      `found on this machine; the default is ${pinned}: \`python-downloads\` of uv is \`never\``,
    ]);
    assert.deepEqual((await python('--python', interpreter)).slice(0, 2), [found, 'option']);
    fs.writeFileSync(path.join(folder, '.python-version'), `${found}\n`);
    assert.deepEqual((await python()).slice(0, 2), [found, 'versionFile']);
    assert.equal(requests(), 0);
  });
});
