// Three real packages of PyPI that are there only as source, in one function: their zip has the same bytes with cold caches, for another
// user and at another path. Longer than `npm test` may take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { explainSync } from '../index.js';
import { copyPackage, temporaryFolder, writeAll } from './support/files.mjs';
import { invoke } from './support/invoke.mjs';
import { whyNoProgram } from './support/prepared.mjs';
import { options, pythonVersion, runtimeClient, uv } from './support/toolchain.mjs';
import { isRoot, run, systemPython } from './support/tools.mjs';
import { INDEX_DAY, lock, manifest } from './support/workspaces.mjs';
import { unzip } from './support/zips.mjs';

const NOBODY = 65534;

/** A locked app of the three packages. */
function app(folder, settings) {
  const dependencies = ['pyperclip==1.9.0', 'langdetect==1.0.9', 'gitignorefile==1.1.2'];
  const day = `[tool.uv]\nexclude-newer = "${INDEX_DAY}"\n`;
  writeAll(folder, {
    'pyproject.toml': manifest('app', dependencies, day, `>=${settings?.version ?? pythonVersion}`),
    'main.py': `import gitignorefile, langdetect, pyperclip

def handler(event, context):
    langdetect.DetectorFactory.seed = 0
    return [langdetect.detect(event), pyperclip.__version__, callable(gitignorefile.parse)]
`,
  });
  return lock(folder, settings);
}

/** Bundles an app in a process of its own, as another user if there is a `prefix`. Returns the SHA-256 and the zip. */
function bundled(folder, { prefix = [], module, env, ...others }) {
  const output = fs.mkdtempSync(path.join(env.TMPDIR, 'output-'));
  const [program, ...flags] = [...prefix, process.execPath];
  if (prefix.length > 0) {
    fs.chownSync(output, NOBODY, NOBODY);
  }
  const code = `const { sha256, zipPath } = require(${JSON.stringify(module)}).bundleSync(JSON.parse(process.argv[1]), process.argv[2]);
    console.log(JSON.stringify({ sha256, zipPath }))`;
  const asked = JSON.stringify({ ...options(folder), handler: 'main.handler', ...others });
  const { stdout, stderr, status } = spawnSync(program, [...flags, '-e', code, asked, output], {
    encoding: 'utf8',
    env,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Variables under which nothing is cached. */
function cold(folder) {
  for (const name of ['home', 'temporary', 'uv cache', 'cache']) {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
  }
  const { PATH, SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  const passed = Object.entries({ PATH, SSL_CERT_FILE, SSL_CERT_DIR }).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(passed),
    HOME: path.join(folder, 'home'),
    TMPDIR: path.join(folder, 'temporary'),
    UV_CACHE_DIR: path.join(folder, 'uv cache'),
    UV_LAMBDA_CDK_CACHE_DIR: path.join(folder, 'cache'),
  };
}

test('three real packages answer, for both CPUs, with the same bytes each time', async (t) => {
  const folder = app(path.join(temporaryFolder(t), 'app'));
  const module = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
  const zips = ['x86_64', 'arm64', 'x86_64'].map((architecture) =>
    bundled(folder, { module, env: cold(temporaryFolder(t)), architecture, cache: true }),
  );
  assert.equal(new Set(zips.map(({ sha256 }) => sha256)).size, 1, JSON.stringify(zips));
  for (const { zipPath: zip } of zips) {
    const answers = await invoke({ zip, handler: 'main.handler', events: ['Das ist ein schöner Tag'], runtimeClient });
    assert.deepEqual(answers, [['de', '1.9.0', true]]);
    assert.ok(!Object.keys(unzip(zip)).some((name) => name.endsWith('.so')));
  }
  const { packages } = explainSync(options(folder));
  const told = packages.filter(({ builtFrom }) => builtFrom).map(({ name, builtWith }) => [name, builtWith.join(' ')]);
  assert.deepEqual(
    told.map(([name]) => name),
    ['gitignorefile', 'langdetect', 'pyperclip'],
  );
  assert.ok(
    told.every(([, builtWith]) => /setuptools==/.test(builtWith)),
    JSON.stringify(told),
  );
});

const whyNoOtherUser =
  whyNoProgram('setpriv') ||
  (!isRoot && 'only root can become another user') ||
  (!systemPython() && 'no interpreter that every user may run');

test('for another user and at another path', { skip: whyNoOtherUser }, async (t) => {
  const [version, python] = systemPython();
  const shared = temporaryFolder(t);
  const module = copyPackage(path.join(shared, 'package'));
  fs.copyFileSync(uv, path.join(shared, 'uv'));
  const first = app(path.join(shared, 'one'), { python, version });
  const second = path.join(shared, 'another', 'longer path');
  fs.cpSync(first, second, { recursive: true });
  run('chmod', ['-R', 'a+rX', shared]);
  const asked = { module, runtime: `python${version}`, python, uv: path.join(shared, 'uv') };
  const mine = bundled(first, { ...asked, env: cold(temporaryFolder(t)) });
  const caches = temporaryFolder(t);
  const env = cold(caches);
  run('chown', ['-R', `${NOBODY}:${NOBODY}`, caches]);
  const prefix = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  assert.equal(bundled(second, { ...asked, prefix, env: { ...env, USER: 'nobody' } }).sha256, mine.sha256);
});
