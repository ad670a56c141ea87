// The programs that the core starts: one may hang, print without end, or outlive its parent.

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from './support/files.mjs';
import { bundleReport, outputOf, startBundle, startNode } from './support/node-process.mjs';
import { interpreter, options, uv } from './support/toolchain.mjs';
import { run } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';

/** The memory in MiB that a process may use while it reads endless output. */
const MOST_MEMORY = 300;

/** A program that does `script` if its first argument is `command`, and else what `program` does. */
function changed(test, program, command, script) {
  const file = path.join(temporaryFolder(test), path.basename(program));
  const text = `#!/bin/sh\nif [ "$1" = "${command}" ]; then\n${script}\nfi\nexec '${program}' "$@"\n`;
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}

/** Bundles in a new process, and returns the result. */
const bundle = (t, bundleOptions, env) => bundleReport(bundleOptions, temporaryFolder(t), env);

/** Whether a process runs. A zombie does not. */
function isAlive(id) {
  try {
    return !run('ps', ['-o', 'stat=', '-p', id]).trim().startsWith('Z');
  } catch {
    return false;
  }
}

/** Waits until a file has as many lines as expected, and returns them. */
async function lines(file, count) {
  for (let attempt = 0; attempt < 600; attempt++) {
    const found = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    if (found.length >= count) {
      return found;
    }
    await sleep(100);
  }
  throw new Error(`\`${file}\` did not get ${count} lines`);
}

const skip = process.platform === 'win32' && 'the programs of these tests are shell scripts';

describe('a program', { skip, concurrency: 2 }, () => {
  test('that does not answer is killed at the limit of the variable', async (t) => {
    const hangs = changed(t, uv, '--version', 'echo thinking >&2; sleep 60; exit');
    const { error, seconds } = await bundle(t, options(fixture(t), { uv: hangs }), { UV_LAMBDA_CDK_TIMEOUT: '1' });
    assert.equal(error.code, 'TIMED_OUT');
    assert.match(
      error.message,
      /^TIMED_OUT: `uv --version` did not end within 1 s and was killed: .*`UV_LAMBDA_CDK_TIMEOUT`/,
    );
    assert.match(error.message, /\nthinking$/);
    assert.ok(seconds < 3, `${seconds} s`);
  });

  test('that builds or is a command of the user is killed at the limit, too', async (t) => {
    const limit = { UV_LAMBDA_CDK_TIMEOUT: '5' };
    const hangs = changed(t, uv, 'build', 'sleep 60; exit');
    const [build, hook] = await Promise.all([
      bundle(t, options(fixture(t), { uv: hangs }), limit),
      bundle(t, options(fixture(t), { hooks: { beforeBuild: ['sleep 60 # for long'] } }), limit),
    ]);
    assert.equal(build.error?.code, 'TIMED_OUT', build.error?.message);
    assert.match(
      build.error.message,
      /^TIMED_OUT: failed to build the local package `\w+`: `uv build` did not end within 5 s/,
    );
    assert.equal(hook.error?.code, 'TIMED_OUT', hook.error?.message);
    assert.match(
      hook.error.message,
      /^TIMED_OUT: the `beforeBuild` command `sleep 60 # for long` did not end within 5 s/,
    );
  });

  test('has no limit that is no number', async (t) => {
    const { error } = await bundle(t, options(fixture(t)), { UV_LAMBDA_CDK_TIMEOUT: 'soon' });
    assert.match(error.message, /`UV_LAMBDA_CDK_TIMEOUT` is `soon`: set it to a whole number of seconds, at least 1$/);
  });

  test('that answers without end is ended, and takes no memory', async (t) => {
    const floods = changed(t, uv, '--version', 'exec cat /dev/zero');
    const { error, megabytes, seconds } = await bundle(t, options(fixture(t), { uv: floods }));
    assert.equal(error.code, 'INVALID_OPTIONS');
    assert.ok(seconds < 20, `${seconds} s: the limit of a question is 30 s`);
    assert.match(error.message, /`uv --version` printed more than 65536 bytes on standard output$/);
    assert.ok(megabytes < MOST_MEMORY, `${megabytes} MiB`);
    t.diagnostic(`peak memory: ${Math.round(megabytes)} MiB`);
  });

  test('that complains at length is quoted in short', async (t) => {
    const script = 'echo first >&2; yes complaint | head -c 200000000 >&2; echo last >&2; exit 2';
    const complains = changed(t, uv, 'lock', script);
    const { error, megabytes } = await bundle(t, options(fixture(t), { uv: complains }));
    assert.equal(error.code, 'UV_FAILED');
    assert.match(error.message, /^UV_FAILED: `uv lock --check` failed:\nfirst\ncomplaint\n/);
    assert.match(error.message, /\n\[\.\.\. 1999\d{5} bytes are cut here \.\.\.\]\n[^]*complaint\nlast$/);
    assert.ok(error.message.length < 1_000_000, `${error.message.length}`);
    assert.ok(megabytes < MOST_MEMORY, `${megabytes} MiB`);
    t.diagnostic(`peak memory: ${Math.round(megabytes)} MiB`);
  });
});

test(
  'a bundle from the cache starts neither a watchdog nor a Python',
  { skip: !fs.existsSync('/proc/self/task') },
  async (t) => {
    const bundleOptions = options(fixture(t), { cache: true, cacheDir: temporaryFolder(t) });
    const program = `
    const fs = require('node:fs');
    uvLambdaCdk.bundleSync(${JSON.stringify(bundleOptions)}, ${JSON.stringify(temporaryFolder(t))});
    const threads = fs.readdirSync('/proc/self/task');
    const children = threads.flatMap((id) => fs.readFileSync('/proc/self/task/' + id + '/children', 'utf8').split(' '));
    process.stdout.write(String(children.filter(Boolean).length));
  `;
    const children = async () => Number(await outputOf(startNode(program)));
    // The thread that started the watchdog may have ended; the kernel then counts it for another thread of the process. A Python waits
    // for the next bundle beside it.
    assert.ok((await children()) >= 2);
    assert.equal(await children(), 0);
  },
);

describe('what a bundle started ends with its process', { skip }, () => {
  for (const signal of ['SIGKILL', 'SIGINT']) {
    test(`that gets a ${signal} in the middle of \`uv build\``, async (t) => {
      const file = path.join(temporaryFolder(t), 'processes');
      const slow = changed(t, uv, 'build', `sleep 60 &\necho $$ >> '${file}'\necho $! >> '${file}'\nwait; exit`);
      const child = startBundle(options(fixture(t), { uv: slow }), temporaryFolder(t));
      const ids = await lines(file, 2);
      assert.ok(ids.every(isAlive));
      child.kill(signal);
      await once(child, 'exit');
      await sleep(500);
      assert.deepEqual(ids.filter(isAlive), []);
    });
  }

  test('that is killed while Python compiles', async (t) => {
    const file = path.join(temporaryFolder(t), 'processes');
    const slow = changed(t, interpreter, '-s', `echo $$ >> '${file}'\nexec sleep 60`);
    const child = startBundle(options(fixture(t), { python: slow }), temporaryFolder(t));
    const ids = await lines(file, 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await sleep(500);
    assert.deepEqual(ids.filter(isAlive), []);
  });
});
