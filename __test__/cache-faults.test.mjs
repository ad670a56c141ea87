// A cache that is damaged, full, read-only or cleared while it is in use: every bundle is still right, and no delivered zip
// changes.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { once } from 'node:events';
import { bundleSync } from '../index.js';
import { program as commandLine } from './support/command-line.mjs';
import { sha256, temporaryFolder } from './support/files.mjs';
import { fileSystem, withMount } from './support/mounts.mjs';
import { outputOf, startNode } from './support/node-process.mjs';
import { options } from './support/toolchain.mjs';
import { root, run } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';

function cached(test, others = {}) {
  return options(fixture(test), { cache: true, cacheDir: temporaryFolder(test), ...others });
}

/** The files in one folder of a cache. */
function entries(cacheDir, kind) {
  const folder = path.join(cacheDir, 'v1', kind);
  return fs.readdirSync(folder).map((name) => path.join(folder, name));
}

function codes({ warnings }) {
  return warnings.map(({ code }) => code);
}

/** Starts a program in a new Node process; `bundleSync`, `options` and `cli` are defined in it. */
function start(bundleOptions, program) {
  const prologue = `
    const fs = require('node:fs');
    const path = require('node:path');
    const { spawnSync } = require('node:child_process');
    const { bundleSync } = uvLambdaCdk;
    const options = ${JSON.stringify(bundleOptions)};
    const cli = (...args) => spawnSync(process.execPath, [${JSON.stringify(commandLine)}, ...args], { encoding: 'utf8' });
  `;
  return startNode(prologue + program);
}

test('zips that were delivered before do not change', async (t) => {
  const bundleOptions = cached(t);
  const before = bundleSync(bundleOptions, temporaryFolder(t));
  const contested = temporaryFolder(t);

  await t.test('while processes deliver to one path', async (t) => {
    // The cache is on the file system of the output, so all of these processes can deliver links.
    const program = `
      const wrong = new Set();
      for (let round = 0; round < 150; round++) {
        try {
          bundleSync(options, ${JSON.stringify(contested)});
        } catch (error) {
          wrong.add(error.code + ' ' + error.message);
        }
      }
      process.stdout.write([...wrong].join());
    `;
    const said = await Promise.all([1, 2, 3].map(() => outputOf(start(bundleOptions, program))));
    assert.deepEqual(said, ['', '', '']);
    assert.equal(sha256(before.zipPath), before.sha256);
    assert.deepEqual(fs.readdirSync(contested), ['app.zip']);
  });

  await t.test('where one of them is a link to the cache, it cannot be written to', () => {
    const { nlink, mode } = fs.statSync(before.zipPath);
    assert.ok(nlink === 1 || (mode & 0o222) === 0, `${nlink} links, mode ${mode.toString(8)}`);
  });

  await t.test('and what was written into one by force is not delivered again', () => {
    const victim = bundleSync(bundleOptions, temporaryFolder(t));
    // The same size and the same times, as far as a program can set them.
    const { atimeNs, mtimeNs } = fs.statSync(victim.zipPath, { bigint: true });
    fs.chmodSync(victim.zipPath, 0o644);
    const bytes = fs.readFileSync(victim.zipPath);
    bytes[200] ^= 1;
    const file = fs.openSync(victim.zipPath, 'r+');
    fs.writeSync(file, bytes);
    fs.closeSync(file);
    const script = path.join(root, '__test__/support/set_times.py');
    run(bundleOptions.python, [script, victim.zipPath, `${atimeNs}`, `${mtimeNs}`]);
    fs.chmodSync(victim.zipPath, 0o444);
    const next = bundleSync(bundleOptions, temporaryFolder(t));
    assert.equal(next.sha256, before.sha256);
    assert.equal(sha256(next.zipPath), before.sha256);
  });
});

test('a changed byte in a note is never reported', (t) => {
  const bundleOptions = cached(t);
  const { sha256: expected, zipBytes } = bundleSync(bundleOptions, temporaryFolder(t));
  const output = temporaryFolder(t);
  const [note] = entries(bundleOptions.cacheDir, 'bundles').filter((file) => file.endsWith('.json'));
  const whole = fs.readFileSync(note);
  const at = [...whole.keys()].filter((index) => index % Math.ceil(whole.length / 60) === 0);
  const digestAt = whole.indexOf(expected);
  at.push(digestAt, digestAt + 5, digestAt + 63);
  for (const index of at) {
    const damaged = Buffer.from(whole);
    damaged[index] = damaged[index] === 0x31 ? 0x32 : 0x31;
    fs.writeFileSync(note, damaged);
    const bundle = bundleSync(bundleOptions, output);
    assert.equal(bundle.sha256, expected, `byte ${index}`);
    assert.equal(bundle.zipBytes, zipBytes, `byte ${index}`);
    assert.equal(sha256(bundle.zipPath), expected, `byte ${index}`);
    // The stamp at the beginning can be made again from the zip; the report cannot.
    if (index === digestAt) {
      assert.equal(bundle.reused, false);
    }
  }
});

test('a damaged fact is learnt again', (t) => {
  const bundleOptions = cached(t, { handler: 'app.main.handler' });
  const { sha256: expected } = bundleSync(bundleOptions, temporaryFolder(t));
  const damages = {
    emptied: (file) => fs.truncateSync(file, 0),
    cut: (file) => fs.truncateSync(file, fs.statSync(file).size - 1),
    'another text': (file) => fs.writeFileSync(file, '3.99.1'),
    'no text': (file) => fs.writeFileSync(file, Buffer.from([0xff, 0xfe, 0])),
    'a folder': (file) => {
      fs.rmSync(file);
      fs.mkdirSync(path.join(file, 'inner'), { recursive: true });
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    const facts = entries(bundleOptions.cacheDir, 'facts');
    assert.ok(facts.length > 3, `${facts.length}`);
    facts.forEach(damage);
    const bundle = bundleSync(bundleOptions, temporaryFolder(t));
    assert.deepEqual([bundle.sha256, codes(bundle)], [expected, []], name);
    assert.equal(bundleSync(bundleOptions, temporaryFolder(t)).reused, true, name);
  }
});

test('an entry that was replaced by a folder heals', (t) => {
  const bundleOptions = cached(t);
  const { sha256: expected } = bundleSync(bundleOptions, temporaryFolder(t));
  for (const kind of ['bundles', 'packs', 'locks', 'shared-facts', 'facts']) {
    for (const file of entries(bundleOptions.cacheDir, kind)) {
      fs.rmSync(file, { recursive: true });
      fs.mkdirSync(path.join(file, 'inner'), { recursive: true });
    }
    const bundle = bundleSync(bundleOptions, temporaryFolder(t));
    assert.deepEqual([bundle.sha256, codes(bundle)], [expected, []], kind);
  }
  const again = bundleSync(bundleOptions, temporaryFolder(t));
  assert.equal(again.reused, true);
  for (const kind of ['bundles', 'packs', 'locks']) {
    for (const file of entries(bundleOptions.cacheDir, kind)) {
      assert.ok(fs.statSync(file).isFile(), file);
    }
  }
});

test('a cache of which a part cannot be written to costs one warning', (t) => {
  const expected = bundleSync(cached(t, { cache: false }), temporaryFolder(t)).sha256;
  for (const kind of ['bundles', 'packs', 'facts', 'shared-facts', 'locks']) {
    const bundleOptions = cached(t);
    fs.mkdirSync(path.join(bundleOptions.cacheDir, 'v1'), { recursive: true });
    fs.writeFileSync(path.join(bundleOptions.cacheDir, 'v1', kind), 'no folder');
    const bundle = bundleSync(bundleOptions, temporaryFolder(t));
    assert.equal(bundle.sha256, expected, kind);
    assert.equal(sha256(bundle.zipPath), expected, kind);
    assert.deepEqual(codes(bundle), ['CACHE_NOT_USABLE'], kind);
    assert.ok(bundle.warnings[0].message.includes(bundleOptions.cacheDir), bundle.warnings[0].message);
  }
});

test('a cache on a full disk costs one warning', withMount, (t) => {
  const expected = bundleSync(cached(t, { cache: false }), temporaryFolder(t)).sha256;
  // From no space at all to space for some of the packs.
  for (const size of ['16k', '48k', '96k']) {
    const cacheDir = fileSystem(t, `size=${size}`);
    if (cacheDir === undefined) {
      return;
    }
    const bundle = bundleSync(cached(t, { cacheDir }), temporaryFolder(t));
    assert.equal(bundle.sha256, expected, size);
    assert.equal(sha256(bundle.zipPath), expected, size);
    assert.ok(
      codes(bundle).every((code) => code === 'CACHE_NOT_USABLE') && bundle.warnings.length <= 1,
      `${size}: ${codes(bundle)}`,
    );
    if (size === '16k') {
      assert.equal(bundle.warnings.length, 1);
    }
  }
});

test('a cache that can only be read is used', withMount, async (t) => {
  const cacheDir = fileSystem(t, 'size=16m');
  if (cacheDir === undefined) {
    return;
  }
  const bundleOptions = cached(t, { cacheDir });
  const { sha256: expected } = bundleSync(bundleOptions, temporaryFolder(t));
  run('mount', ['-o', 'remount,ro', cacheDir]);
  // Now the stamps of the files count, so a record of them would be written.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const hit = bundleSync(bundleOptions, temporaryFolder(t));
  assert.deepEqual([hit.reused, hit.sha256, codes(hit)], [true, expected, []]);
  fs.appendFileSync(path.join(bundleOptions.path, 'packages/app/src/app/main.py'), '\nCHANGED = True\n');
  const miss = bundleSync(bundleOptions, temporaryFolder(t));
  assert.deepEqual([miss.reused, codes(miss)], [false, ['CACHE_NOT_USABLE']]);
  assert.equal(sha256(miss.zipPath), miss.sha256);
});

test('a cache on another file system delivers copies', withMount, (t) => {
  const cacheDir = fileSystem(t, 'size=16m');
  if (cacheDir === undefined) {
    return;
  }
  const bundleOptions = cached(t, { cacheDir });
  const outputs = [1, 2].map(() => bundleSync(bundleOptions, temporaryFolder(t)));
  for (const { zipPath: zip, sha256: expected } of outputs) {
    assert.equal(sha256(zip), expected);
    assert.equal(fs.statSync(zip).mode & 0o777, 0o644);
  }
  fs.appendFileSync(outputs[0].zipPath, 'more');
  assert.equal(sha256(outputs[1].zipPath), outputs[1].sha256);
});

for (const [name, command] of Object.entries({
  'cache clear': ['clear'],
  'cache prune --to-size 0': ['prune', '--to-size', '0'],
  'removal of the folder': undefined,
})) {
  test(`bundles go on beside a loop of ${name}`, async (t) => {
    const bundleOptions = cached(t);
    const expected = bundleSync({ ...bundleOptions, cache: false }, temporaryFolder(t)).sha256;
    const act = command
      ? `const { status, stderr } = cli('cache', ...${JSON.stringify(command)}, '--cache-dir', options.cacheDir);
         if (status !== 0) wrong.add(stderr);`
      : `fs.rmSync(options.cacheDir, { recursive: true, force: true, maxRetries: 20 });`;
    const stop = path.join(temporaryFolder(t), 'stop');
    const breaker = outputOf(
      start(
        bundleOptions,
        `const wrong = new Set();
         while (!fs.existsSync(${JSON.stringify(stop)})) { try { ${act} } catch (error) { if (error.code !== 'ENOTEMPTY') throw error; } }
         process.stdout.write([...wrong].join());`,
      ),
    );
    const outputs = [1, 2].map(() => temporaryFolder(t));
    const program = (output) => `
      const told = { failed: [], warned: 0, wrong: 0, reused: 0 };
      for (let round = 0; round < 8; round++) {
        try {
          const bundle = bundleSync(options, ${JSON.stringify(output)});
          const digest = require('node:crypto').createHash('sha256').update(fs.readFileSync(bundle.zipPath)).digest('hex');
          told.wrong += digest !== ${JSON.stringify(expected)} || bundle.sha256 !== digest;
          told.warned += bundle.warnings.length;
          told.reused += bundle.reused;
        } catch (error) {
          told.failed.push(error.code + ': ' + error.message);
        }
      }
      process.stdout.write(JSON.stringify(told));
    `;
    const all = await Promise.all(outputs.map((output) => outputOf(start(bundleOptions, program(output)))));
    fs.writeFileSync(stop, '');
    const told = all.map((text) => JSON.parse(text));
    t.diagnostic(told.map(({ failed, ...others }) => JSON.stringify({ failed: failed.length, ...others })).join(' '));
    assert.deepEqual(
      told.map(({ failed, wrong }) => [failed, wrong]),
      [
        [[], 0],
        [[], 0],
      ],
    );
    assert.equal(await breaker, '');
  });
}

test('what a killed process left half written is removed by the next one', async (t) => {
  const bundleOptions = cached(t);
  const temporary = () =>
    fs
      .readdirSync(bundleOptions.cacheDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.startsWith('.'))
      .map((entry) => entry.name);
  let left = 0;
  for (let attempt = 0; attempt < 10 && left === 0; attempt += 1) {
    fs.rmSync(bundleOptions.cacheDir, { recursive: true, force: true });
    fs.mkdirSync(bundleOptions.cacheDir);
    const victim = start(bundleOptions, `bundleSync(options, ${JSON.stringify(temporaryFolder(t))})`);
    const ended = once(victim, 'close');
    // Killed as soon as it writes. It may be faster, so there are several attempts.
    const timer = setInterval(() => temporary().length > 0 && victim.kill('SIGKILL'), 1);
    await ended;
    clearInterval(timer);
    left = temporary().length;
  }
  assert.ok(left > 0, 'no process was killed while it wrote');
  // The children of a killed process may write on for a moment.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  bundleSync(bundleOptions, temporaryFolder(t));
  assert.deepEqual(temporary(), []);
});

test('a cache that was restored with other times is read once and trusted from then on', (t) => {
  const bundleOptions = cached(t);
  bundleSync(bundleOptions, temporaryFolder(t));
  const [zip] = entries(bundleOptions.cacheDir, 'bundles').filter((file) => file.endsWith('.zip'));
  const [note] = entries(bundleOptions.cacheDir, 'bundles').filter((file) => file.endsWith('.json'));
  const copy = fs.readFileSync(zip);
  fs.rmSync(zip);
  fs.writeFileSync(zip, copy);
  fs.utimesSync(zip, 1, 1);
  const before = fs.readFileSync(note, 'utf8');
  assert.equal(bundleSync(bundleOptions, temporaryFolder(t)).reused, true);
  assert.notEqual(fs.readFileSync(note, 'utf8'), before);
});
