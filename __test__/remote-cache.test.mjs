// A remote cache that cannot be used: wrong settings are errors, and everything else costs one warning. These tests need neither a
// store nor the executable that reaches one: small scripts take its place. `remote-cache.long.mjs` has the real ones.

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRequire } from 'node:module';
import { bundle, bundleAll, bundleSync } from '../index.js';
import { copyPackage, temporaryFolder, write } from './support/files.mjs';
import { options, runtimeName } from './support/toolchain.mjs';
import { root, run, withVariables } from './support/tools.mjs';
import { workspace } from './support/workspaces.mjs';

const need = createRequire(import.meta.url);
// Names the executable of this checkout, if there is one; a test names another one after that.
const binding = need('../construct/core.js').readyCore();

/** A secret in a setting. No error may show it. */
const PLANTED = 'pl4nted-secret';

describe('a setting that is not allowed is an error', () => {
  const FORMS =
    '`s3://bucket/prefix?region=...&endpoint=...`, `gs://bucket/prefix`, `azblob://container/prefix?account=...`, `ghac://`, `webdav+https://host/folder` or `file:///folder`';
  const NO_CREDENTIALS =
    'an address has no credentials, because it is shown in messages: leave them to the environment, the profile or the role of the service';

  const messageFor = (t, others, variables = {}) => {
    const settings = { runtime: 'python3.13', python: undefined, uv: undefined, ...others };
    const wrong = () =>
      bundleSync({ ...options(workspace(t), { packageName: 'one' }), ...settings }, temporaryFolder(t));
    let message;
    assert.throws(
      () => withVariables(variables, wrong),
      (error) => {
        assert.equal(error.code, 'INVALID_OPTIONS');
        message = error.message;
        return true;
      },
    );
    assert.ok(!message.includes(PLANTED), message);
    return message.replace(/^INVALID_OPTIONS: /, '');
  };

  const ADDRESSES = {
    bucket: `\`bucket\`: it is none of the forms ${FORMS}`,
    'redis://host': `\`redis://host\`: it is none of the forms ${FORMS}`,
    's3://': '`s3://`: it names no bucket',
    'azblob:///prefix': '`azblob:///prefix`: it names no container',
    'file://host/folder': '`file://host/folder`: it is no path of this machine',
    'file:folder': `\`file:folder\`: it is none of the forms ${FORMS}`,
    's3://bucket?region=': '`s3://bucket`: its parameter `region` is empty',
    's3://bucket#part': '`s3://bucket`: an address has no `#`',
    's3://bucket?endpoint=host:9000':
      '`s3://bucket`: its parameter `endpoint` is `host:9000`: write it as `https://host`',
    [`s3://key:${PLANTED}@bucket`]: `\`s3://****@bucket\`: ${NO_CREDENTIALS}`,
    [`webdav+https://ada:${PLANTED}@host/folder`]: `\`webdav+https://****@host/folder\`: ${NO_CREDENTIALS}`,
    // A secret in a place where no address has one.
    [`s3:/key:${PLANTED}@bucket`]: '`****@bucket`: it names no bucket',
    [`key:${PLANTED}@bucket`]: `\`****@bucket\`: it is none of the forms ${FORMS}`,
    [`s3://bucket#${PLANTED}`]: '`s3://bucket`: an address has no `#`',
    [`s3://bucket?endpoint=https://key:${PLANTED}@host`]:
      '`s3://bucket`: its parameter `endpoint` has credentials: leave them to the environment',
    [`s3://bucket?endpoint=key:${PLANTED}@host`]:
      '`s3://bucket`: its parameter `endpoint` has credentials: leave them to the environment',
    [`s3://bucket?secret_access_key=${PLANTED}`]: `\`s3://bucket\`: it has no parameter \`secret_access_key\`; the forms are ${FORMS}`,
  };
  for (const [address, problem] of Object.entries(ADDRESSES)) {
    test(`${address.replace(PLANTED, '...')}`, (t) => {
      assert.equal(messageFor(t, { cache: true, remoteCache: address }), `\`remoteCache\` is ${problem}`);
    });
  }

  test('in a variable', (t) => {
    const UV_LAMBDA_CDK_REMOTE_CACHE = 's3://bucket';
    const withSetting = (variables) => messageFor(t, { cache: true }, { UV_LAMBDA_CDK_REMOTE_CACHE, ...variables });
    assert.equal(
      withSetting({ UV_LAMBDA_CDK_REMOTE_CACHE: 'bucket' }),
      `\`UV_LAMBDA_CDK_REMOTE_CACHE\` is \`bucket\`: it is none of the forms ${FORMS}`,
    );
    assert.equal(
      withSetting({ UV_LAMBDA_CDK_REMOTE_CACHE_MODE: 'write' }),
      '`UV_LAMBDA_CDK_REMOTE_CACHE_MODE` is `write`: it is `read` or `read-write`',
    );
    assert.equal(
      withSetting({ UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME: '1m' }),
      '`UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME` is `1m`: it is a whole number of seconds',
    );
  });
});

/** Writes a script that takes the place of the executable. It notes that it was started. Returns `{ started() }`. */
function withExecutable(test, script) {
  const folder = temporaryFolder(test);
  const [program, log] = ['helper', 'log'].map((name) => path.join(folder, name));
  write(program, `#!/bin/sh\necho started >> '${log}'\n${script}\n`, { mode: 0o755 });
  binding.setExecutable(program);
  return { started: () => fs.existsSync(log) };
}

/** The address of a shared folder. A process has one executable for each address, so each test has its own. */
const newAddress = (test) => `file://${temporaryFolder(test)}`;

/** Options of a bundle that needs no package. */
const optionsOf = (test, others) => options(workspace(test), { packageName: 'one', runtime: runtimeName, ...others });

const cached = (test, others) => optionsOf(test, { cache: true, cacheDir: temporaryFolder(test), ...others });

/** The bundles that a test builds, by all doors. */
const names = ['one', 'two'];
const DOORS = {
  bundleSync: async (t, bundleOptions) => [bundleSync(bundleOptions, temporaryFolder(t))],
  bundle: async (t, bundleOptions) => [await bundle(bundleOptions, temporaryFolder(t))],
  bundleAll: (t, bundleOptions) =>
    bundleAll(
      names.map((packageName) => ({ options: { ...bundleOptions, packageName }, outputDir: temporaryFolder(t) })),
    ),
};

const EXECUTABLES = {
  'that ends at once': ['echo no such verb >&2; exit 2', 'its helper ended: no such verb'],
  'that prints garbage': ['echo garbage; echo "[1]"; head -c 100000 /dev/urandom', 'its helper ended'],
  'that is killed in the middle': ['read begin; read fetch; kill -9 $$', 'its helper ended'],
};

describe('with an executable', { skip: process.platform === 'win32' && 'the scripts need a shell' }, () => {
  const expected = {};
  const digestsOf = async (t, count) => {
    for (const packageName of names.slice(0, count)) {
      expected[packageName] ??= bundleSync(optionsOf(t, { packageName }), temporaryFolder(t)).sha256;
    }
    return names.slice(0, count).map((name) => expected[name]);
  };
  after(() => binding.finish());

  const assertOneWarning = async (t, door, problem) => {
    const remoteCache = newAddress(t);
    const bundles = await DOORS[door](t, cached(t, { remoteCache }));
    assert.deepEqual(
      bundles.map(({ sha256 }) => sha256),
      await digestsOf(t, bundles.length),
    );
    assert.deepEqual(
      bundles.flatMap(({ warnings }) => warnings).map(({ code, message }) => `${code}: ${message}`),
      [`REMOTE_CACHE_NOT_USABLE: the remote cache \`${remoteCache}\` is not used: ${problem}`],
    );
  };

  for (const [name, [script, problem]] of Object.entries(EXECUTABLES)) {
    for (const door of Object.keys(DOORS)) {
      test(`${name}, ${door} costs one warning`, async (t) => {
        const { started } = withExecutable(t, script);
        await assertOneWarning(t, door, problem);
        assert.ok(started());
      });
    }
  }

  for (const door of Object.keys(DOORS)) {
    test(`that is missing, ${door} costs one warning`, async (t) => {
      const missing = path.join(temporaryFolder(t), 'helper');
      binding.setExecutable(missing);
      await assertOneWarning(t, door, `\`${missing}\` cannot be started: No such file or directory (os error 2)`);
    });
  }

  test('that is killed in the middle, writing costs no other warning', async (t) => {
    withExecutable(t, EXECUTABLES['that is killed in the middle'][0]);
    await withVariables({ UV_LAMBDA_CDK_REMOTE_CACHE_MODE: 'read-write' }, () =>
      assertOneWarning(t, 'bundleSync', 'its helper ended'),
    );
  });

  test('without a cache, none is started', async (t) => {
    const { started } = withExecutable(t, 'exit 1');
    const { warnings } = bundleSync(optionsOf(t, { remoteCache: newAddress(t) }), temporaryFolder(t));
    assert.deepEqual([warnings, started()], [[], false]);
  });

  test('where nothing changed, none is started', async (t) => {
    const { started } = withExecutable(t, 'exit 1');
    const bundleOptions = cached(t);
    bundleSync(bundleOptions, temporaryFolder(t));
    for (const door of ['bundleSync', 'bundle']) {
      const [{ reused, warnings }] = await DOORS[door](t, { ...bundleOptions, remoteCache: newAddress(t) });
      assert.deepEqual([reused, warnings, started()], [true, [], false], door);
    }
  });

  test(
    'that sees only listed variables and one argument',
    { skip: !fs.existsSync('/proc/self/environ') && 'this machine has no /proc' },
    (t) => {
      const folder = temporaryFolder(t);
      const [environ, cmdline] = ['environ', 'cmdline'].map((name) => path.join(folder, name));
      withExecutable(t, `cp /proc/$$/environ '${environ}'; cp /proc/$$/cmdline '${cmdline}'`);
      const passed = {
        AWS_PROFILE: 'team',
        AWS_SECRET_ACCESS_KEY: PLANTED,
        GOOGLE_APPLICATION_CREDENTIALS: '/credentials',
        AZURE_STORAGE_ACCOUNT_KEY: 'a2V5',
        ACTIONS_RUNTIME_TOKEN: 'token',
        https_proxy: 'http://proxy',
        SSL_CERT_FILE: '/certificates',
        UV_LAMBDA_CDK_REMOTE_CACHE_KEY: PLANTED,
        UV_LAMBDA_CDK_REMOTE_CACHE_PASSWORD: PLANTED,
      };
      const stopped = {
        NPM_TOKEN: 'x',
        UV_INDEX_PRIVATE_PASSWORD: 'x',
        DATABASE_URL: 'x',
        PYTHONPATH: '/x',
        NODE_OPTIONS: '',
      };
      const remoteCache = newAddress(t);
      withVariables({ ...passed, ...stopped }, () => bundleSync(cached(t, { remoteCache }), temporaryFolder(t)));
      const seen = Object.fromEntries(
        fs
          .readFileSync(environ, 'utf8')
          .split('\0')
          .filter(Boolean)
          .map((line) => line.split(/=([^]*)/).slice(0, 2)),
      );
      for (const [name, value] of Object.entries(passed)) {
        assert.equal(seen[name], value, name);
      }
      const essential = ['PATH', 'HOME', 'USER', 'LOGNAME', 'TMPDIR', 'LANG', 'LC_ALL'];
      const listed =
        /^(UV_LAMBDA_CDK_REMOTE_CACHE|AWS_|GOOGLE_|GCE_|CLOUDSDK_|AZURE_|AZBLOB_|IDENTITY_|MSI_|ACTIONS_|GITHUB_|SSL_CERT_|XDG_)|^(HTTPS?|ALL|NO)_PROXY$/i;
      const others = Object.keys(seen).filter((name) => !listed.test(name) && !essential.includes(name));
      assert.deepEqual(others, []);
      const [, script, ...words] = fs.readFileSync(cmdline, 'utf8').split('\0').filter(Boolean);
      assert.deepEqual([path.basename(script), words], ['helper', ['remote-cache-helper']]);
    },
  );
});

test('an installation without the executable costs one warning', (t) => {
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const folder = copyPackage(path.join(temporaryFolder(t), 'package'));
  const remoteCache = newAddress(t);
  const program = `
    const { bundleSync } = require(${JSON.stringify(folder)});
    console.log(JSON.stringify(bundleSync(${JSON.stringify(cached(t, { remoteCache }))}, ${JSON.stringify(temporaryFolder(t))})));
  `;
  const { sha256, warnings } = JSON.parse(run(process.execPath, ['--eval', program]));
  assert.equal(sha256, bundleSync(optionsOf(t), temporaryFolder(t)).sha256);
  assert.deepEqual(warnings, [
    {
      code: 'REMOTE_CACHE_NOT_USABLE',
      message: `the remote cache \`${remoteCache}\` is not used: the package that reaches it is not installed: run \`npm install @uv-lambda-cdk/remote-cache@${version}\`; in a checkout, run \`npm run build:remote-cache\``,
    },
  ]);
});
