// Private indexes and their secrets: a real index with HTTP basic authentication, real uv, and a search in everything that is
// written or printed.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { cli } from './support/command-line.mjs';
import { containerEngine, noEngine } from './support/container-engine.mjs';
import { temporaryFolder, write, writeAll } from './support/files.mjs';
import {
  CREDENTIALS,
  PASSWORD,
  USERNAME,
  addressWith,
  appFrom,
  assertNowhere,
  environment,
  keyringOf,
  lockPrivately,
  netrcOf,
  startPrivateIndex,
  withLeakyBackend,
} from './support/secrets.mjs';
import { runApp } from './support/synth.mjs';
import { interpreter, runtimeName, uv } from './support/toolchain.mjs';
import { UV_VERSION, ensureUv, run } from './support/tools.mjs';
import { virtualLock } from './support/workspaces.mjs';
import { unzip } from './support/zips.mjs';

/** Bundles the app in `folder` on the command line. */
function bundle(folder, output, env, others = []) {
  const flags = ['--path', folder, '--runtime', runtimeName, '--python', interpreter, '--output', output];
  return cli(['bundle', ...flags, ...others], { env });
}

/**
 * The ways in which uv gets a password. Each takes a folder for its files, the index, a right or wrong password, and the
 * test. It returns its own environment variables and its own address of the index.
 */
const WAYS = {
  'environment variables': (_folder, _index, password) => ({
    env: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password },
  }),
  'the file that NETRC names': (folder, _index, password) => {
    const file = path.join(folder, 'credentials');
    write(file, netrcOf('127.0.0.1', USERNAME, password), { mode: 0o600 });
    return { env: { NETRC: file } };
  },
  '~/.netrc': (folder, _index, password) => {
    fs.writeFileSync(path.join(folder, '.netrc'), `machine 127.0.0.1 login ${USERNAME} password ${password}\n`, {
      mode: 0o600,
    });
    return { env: { HOME: folder } };
  },
  keyring: (_folder, _index, password, t) => ({
    env: { UV_KEYRING_PROVIDER: 'subprocess', UV_INDEX_PRIVATE_USERNAME: USERNAME },
    programs: keyringOf(t, password),
  }),
  '`uv auth login`': (folder, { origin }, password) => {
    const env = { UV_CREDENTIALS_DIR: folder };
    const login = ['auth', 'login', '--quiet', '--username', USERNAME, '--password', '-', origin];
    run(uv, login, { env: { ...process.env, ...env }, input: password, stdio: ['pipe', 'pipe', 'pipe'] });
    return { env };
  },
  'the address in `[[tool.uv.index]]`': (_folder, index, password) => ({
    env: {},
    url: addressWith(password, index),
  }),
  'the address in UV_INDEX': (_folder, index, password) => ({
    env: { UV_INDEX: `private=${addressWith(password, index)}` },
  }),
};

describe('a private index', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    const skip = name === 'keyring' && process.platform === 'win32' && 'the stand-in for keyring is a script';
    test(`opens by ${name}, and refuses without a word of it`, { skip }, async (t) => {
      const index = await startPrivateIndex(t);
      const build = (password) => {
        const { env, url, programs = [] } = way(temporaryFolder(t), index, password, t);
        const folder = appFrom(t, url ?? `${index.origin}/simple`);
        lockPrivately(t, folder, index);
        const [output, store] = [temporaryFolder(t), temporaryFolder(t)];
        const { status, ...said } = bundle(folder, output, environment(t, { programs, store, env }));
        assertNowhere([password], { texts: said, folders: { output, store } });
        return { status, said: said.stdout + said.stderr, zips: fs.readdirSync(output) };
      };

      const good = build(PASSWORD);
      assert.equal(good.status, 0, good.said);
      assert.deepEqual(good.zips, ['app.zip']);

      const bad = build('wrong@pass/word:%41!');
      assert.equal(bad.status, 2, bad.said);
      assert.match(bad.said, /^error\[UV_FAILED\]: `uv .*` failed:/);
      assert.match(bad.said, /401|403|unauthorized/i);
      assert.deepEqual(bad.zips, []);
    });
  }
});

/** Secrets in every place where people keep them. */
const PLANTED = {
  dotenv: 'planted-in-dotenv/4f1c',
  address: 'planted-in-address/8d2b',
  metadata: 'planted-in-metadata-77aa',
  netrc: 'planted-in-netrc/c0de',
  variable: PASSWORD,
};

/** An app that has the secrets, and the environment of its build. */
async function appWithSecrets(t, { fails = false } = {}) {
  const index = await startPrivateIndex(t);
  const folder = appFrom(t, `${index.origin}/simple`);
  const other = `http://eve:${encodeURIComponent(PLANTED.address)}@127.0.0.1:9/simple`;
  fs.appendFileSync(
    path.join(folder, 'pyproject.toml'),
    `\n[[tool.uv.index]]\nname = "other"\nurl = "${other}"\nexplicit = true\n`,
  );
  withLeakyBackend(folder, { secret: PLANTED.metadata, fails });
  lockPrivately(t, folder, index);
  fs.writeFileSync(path.join(folder, '.env'), `SECRET=${PLANTED.dotenv}\n`);
  const netrc = `machine elsewhere.test login eve password ${PLANTED.netrc}\n`;
  fs.writeFileSync(path.join(folder, '.netrc'), netrc);
  const home = temporaryFolder(t);
  fs.writeFileSync(path.join(home, '.netrc'), netrc, { mode: 0o600 });
  const store = temporaryFolder(t);
  return { folder, index, home, store, env: environment(t, { store, env: { HOME: home, ...CREDENTIALS } }) };
}

/** Runs a CDK app with one function. Returns its output, and the folders that it writes to. */
function synthesise(t, folder, env, bundling = {}) {
  const runtime = `lambda.Runtime.ALL.find(({ name }) => name === '${runtimeName}')`;
  const settings = JSON.stringify({ python: interpreter, docker: 'never', ...bundling });
  return runApp(t, {
    functions: `{ Fn: { path: ${JSON.stringify(folder)}, runtime: ${runtime}, handler: 'main.handler', bundling: ${settings} } }`,
    synthesise: true,
    env,
  });
}

describe('a secret', () => {
  const secrets = Object.values(PLANTED);

  test('is in nothing that a good build leaves: zip, cdk.out, what is said, what is kept', async (t) => {
    const { folder, store, env } = await appWithSecrets(t);
    const { status, stdout, stderr, outdir, assets } = synthesise(t, folder, env);
    assert.equal(status, 0, stderr);
    assert.equal(assets.length, 1);
    assertNowhere(secrets, { texts: { stdout, stderr }, folders: { 'cdk.out': outdir, store } });
    const [zip] = assets;
    const { [`app-1.0.dist-info/METADATA`]: metadata } = unzip(path.join(outdir, zip));
    assert.match(metadata, /^Requires-Dist: a @ https:\/\/a\.test\/a\.whl$/m);
  });

  test('is in no word of a build that fails and prints all it knows', async (t) => {
    const { folder, store, env } = await appWithSecrets(t, { fails: true });
    const { status, stdout, stderr, outdir } = synthesise(t, folder, env);
    assert.notEqual(status, 0);
    assert.match(stderr, /failed to build the local package `app`.*RuntimeError: no wheel, and the environment is/s);
    // The addresses that the build printed stay in the message, without their secrets.
    assert.match(stderr, /UV_INDEX_PRIVATE_PASSWORD/);
    assertNowhere(secrets, { texts: { stdout, stderr }, folders: { 'cdk.out': outdir, store } });
  });

  test('is in no word of a command that fails and prints all it knows', async (t) => {
    const { folder, store, env } = await appWithSecrets(t);
    const hooks = { beforeBuild: ['env; cat "$HOME/.netrc"; exit 1'] };
    const { status, stdout, stderr, outdir } = synthesise(t, folder, env, { hooks });
    assert.notEqual(status, 0);
    assert.match(stderr, /the `beforeBuild` command .* failed/);
    assertNowhere(secrets, { texts: { stdout, stderr }, folders: { 'cdk.out': outdir, store } });
  });

  test('is not repeated where uv cannot read the address that holds it', async (t) => {
    const { folder, store, env } = await appWithSecrets(t);
    const manifest = path.join(folder, 'pyproject.toml');
    const text = fs.readFileSync(manifest, 'utf8');
    fs.writeFileSync(manifest, text.replace(/http:\/\/eve:[^"]*/, 'http://eve:hunter2/of@elsewhere.test/simple'));
    const refused = bundle(folder, temporaryFolder(t), env);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /TOML parse error/);
    assertNowhere(['hunter2/of'], { texts: { said: refused.stdout + refused.stderr }, folders: { store } });

    fs.writeFileSync(manifest, text);
    const { status, stderr } = bundle(folder, temporaryFolder(t), {
      ...env,
      UV_INDEX: 'http://eve:hunter2/of@a.test/',
    });
    assert.equal(status, 2);
    assert.match(stderr, /error\[UV_FAILED\]/);
    assertNowhere(['hunter2/of', 'a@hunter2/of'], { texts: { stderr } });
  });

  test('is in no word of git, in the address of a repository that refuses', async (t) => {
    const { host } = await startPrivateIndex(t);
    const folder = temporaryFolder(t);
    const token = 't0ken-of-a-repository';
    const files = {
      'pyproject.toml': `[project]
name = "app"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["acme"]

[tool.uv.sources]
acme = { git = "http://eve:${token}@${host}/acme.git", rev = "${'1'.repeat(40)}" }
`,
      'uv.lock': `version = 1
revision = 3
requires-python = ">=3.9"

[[package]]
name = "acme"
version = "1.0"
source = { git = "http://eve:${token}@${host}/acme.git?rev=${'1'.repeat(40)}#${'1'.repeat(40)}" }

[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [
    { name = "acme" },
]

[package.metadata]
requires-dist = [{ name = "acme", git = "http://${host}/acme.git?rev=${'1'.repeat(40)}" }]
`,
      'main.py': '',
    };
    writeAll(folder, files);
    // The oldest supported uv prints such addresses unmasked.
    for (const version of [UV_VERSION, '0.8.0']) {
      const env = environment(t, { store: temporaryFolder(t) });
      const native = ['--native-builds', '--uv', ensureUv(version)];
      const { status, stdout, stderr } = bundle(folder, temporaryFolder(t), env, native);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /Git operation failed/);
      assertNowhere([token], { texts: { stdout, stderr } });
    }
  });

  test('is not repeated where it stands in a lock that cannot be read', async (t) => {
    const { folder, env } = await appWithSecrets(t);
    fs.writeFileSync(path.join(folder, 'uv.lock'), 'version = "https://eve:hunter2of@elsewhere.test"\n');
    const { status, stderr } = bundle(folder, temporaryFolder(t), env);
    assert.equal(status, 2);
    assert.match(stderr, /error\[BAD_LOCKFILE\].*elsewhere\.test/s);
    assertNowhere(['hunter2of'], { texts: { stderr } });
  });
});

describe('a container', { skip: noEngine }, () => {
  const synthesiseWith = (t, { bundling = {}, env = {}, status } = {}) => {
    const container = containerEngine(t, { status });
    const folder = appFrom(t, 'http://127.0.0.1:9/simple');
    write(path.join(folder, 'uv.lock'), virtualLock([['app', '.']]));
    const home = temporaryFolder(t);
    fs.writeFileSync(path.join(home, '.netrc'), `machine a.test login eve password ${PLANTED.netrc}\n`);
    const app = runApp(t, {
      functions: `{ Fn: { path: ${JSON.stringify(folder)}, handler: 'main.handler',
        runtime: lambda.Runtime.PYTHON_3_13, bundling: { docker: 'always', image: DockerImage.fromRegistry('mine'), ...${JSON.stringify(bundling)} } } }`,
      synthesise: true,
      env: { CDK_DOCKER: container.program, HOME: home, TMPDIR: temporaryFolder(t), ...env },
    });
    return { ...app, ...container.runs()[0], folder };
  };
  const own = { UV_INDEX_PRIVATE_PASSWORD: PLANTED.variable, UV_INDEX: `b=http://eve:${PLANTED.address}@b.test/` };

  test('that fails does not have its options in the error', (t) => {
    const bundling = { hooks: { beforeBuild: ['curl https://eve:planted-in-a-command@c.test'] } };
    const { call, status, stderr } = synthesiseWith(t, { bundling, status: 1 });
    assert.ok(call.join(' ').includes('planted-in-a-command'));
    assert.equal(status, 1);
    assert.match(stderr, /exited with status 1\n--> Command: .* bundle --options '\{\.\.\.\}' --output /);
    assertNowhere(['planted-in-a-command'], { texts: { stderr } });
  });

  test('gets what opens an index by a file that nobody else can read and that is gone afterwards', (t) => {
    for (const status of [0, 1]) {
      const bundling = { environment: { TOKEN: 'planted-by-the-app' } };
      const { call, handed, stdout, stderr, outdir, ...app } = synthesiseWith(t, { bundling, env: own, status });
      assert.equal(app.status === 0, status === 0, stderr);
      assert.deepEqual(handed.names, ['handover.json']);
      assert.deepEqual(handed.contents.variables, { ...own, ...bundling.environment });
      assert.match(handed.contents.files.NETRC, new RegExp(PLANTED.netrc));
      assert.equal(handed.modeAround, '700');
      assert.ok(!fs.existsSync(path.dirname(handed.folder)));
      const text = call.join(' ');
      assert.match(text, /--env UV_LAMBDA_CDK_HANDOVER=\/uv-lambda-cdk\/handover\/handover\.json/);
      assertNowhere([...Object.values(PLANTED), 'planted-by-the-app'], {
        texts: { text, stdout, stderr },
        folders: { 'cdk.out': outdir },
      });
    }
  });

  test('gets nothing where there is nothing', (t) => {
    const { call, handed, stderr, status } = synthesiseWith(t, { env: { HOME: temporaryFolder(t) } });
    assert.equal(status, 0, stderr);
    assert.equal(handed, undefined);
    assert.doesNotMatch(call.join(' '), /handover/i);
  });

  test('gets the password that a keyring of this machine has', (t) => {
    const programs = keyringOf(t, PASSWORD, { service: 'http://127.0.0.1:9/simple' });
    const env = { PATH: programs, UV_KEYRING_PROVIDER: 'subprocess', UV_INDEX_PRIVATE_USERNAME: USERNAME };
    const { handed } = synthesiseWith(t, { env });
    assert.deepEqual(handed.contents.variables, {
      UV_INDEX_PRIVATE_USERNAME: USERNAME,
      UV_INDEX_PRIVATE_PASSWORD: PASSWORD,
    });
  });

  test('that runs a command of the app has its variables on the command line, and not in the error', (t) => {
    const bundling = { command: ['build'], environment: { TOKEN: 'planted "by" the app' } };
    const { call, handed, stdout, stderr, status } = synthesiseWith(t, { bundling, env: own, status: 1 });
    assert.notEqual(status, 0);
    assert.equal(handed, undefined);
    assert.ok(call.includes('TOKEN=planted "by" the app'), call.join(' '));
    assert.match(stderr, /TOKEN=\*\*\*\*/);
    assertNowhere(['planted "by" the app', ...Object.values(PLANTED)], { texts: { stdout, stderr } });
  });
});
