// Private indexes and the secrets that open them: a real index with HTTP basic authentication, real uv, and a look into
// everything that is written or said.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { UV_VERSION, ensureUv, root, run } from '../scripts/tools.mjs';
import { interpreter, pythonVersion, unzip, uv } from './machine.mjs';
import { startPrivateIndex } from './private-index.mjs';
import { PASSWORD, USERNAME, appFrom, assertNowhere, environment, lock, withBackend } from './secrets.mjs';
import { runApp, temporaryFolder } from './workspace.mjs';

/** Bundles the app in `folder` on the command line. */
function bundle(folder, output, env, others = []) {
  const flags = [
    '--path',
    folder,
    '--python',
    pythonVersion,
    '--interpreter',
    interpreter,
    '--output',
    output,
    ...others,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'cli.js'), 'bundle', ...flags], {
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

/**
 * The ways in which uv learns a password. Each gets a folder for its files, the index, and a password that is the right one
 * or is not; and gives what of the environment and of the address of the index is its own.
 */
const WAYS = {
  'environment variables': (_folder, _index, password) => ({
    env: { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: password },
  }),
  'the file that NETRC names': (folder, _index, password) => {
    const file = path.join(folder, 'credentials');
    fs.writeFileSync(file, `machine 127.0.0.1\n  login ${USERNAME}\n  password ${password}\n`, { mode: 0o600 });
    return { env: { NETRC: file } };
  },
  '~/.netrc': (folder, _index, password) => {
    fs.writeFileSync(path.join(folder, '.netrc'), `machine 127.0.0.1 login ${USERNAME} password ${password}\n`, {
      mode: 0o600,
    });
    return { env: { HOME: folder } };
  },
  keyring: (folder, _index, password) => {
    // A stand-in: a real `keyring` needs a desktop or a cloud. It answers as the real one does to the call that uv makes.
    fs.writeFileSync(path.join(folder, 'password'), password);
    fs.writeFileSync(
      path.join(folder, 'keyring'),
      `#!/bin/sh\n[ "$1 $3" = "get ${USERNAME}" ] && exec cat '${path.join(folder, 'password')}'\nexit 1\n`,
      { mode: 0o755 },
    );
    return {
      env: { UV_KEYRING_PROVIDER: 'subprocess', UV_INDEX_PRIVATE_USERNAME: USERNAME },
      programs: folder,
    };
  },
  '`uv auth login`': (folder, { origin }, password) => {
    const env = { UV_CREDENTIALS_DIR: folder };
    const login = ['auth', 'login', '--quiet', '--username', USERNAME, '--password', '-', origin];
    run(uv, login, { env: { ...process.env, ...env }, input: password, stdio: ['pipe', 'pipe', 'pipe'] });
    return { env };
  },
  'the address in `[[tool.uv.index]]`': (_folder, { host }, password) => ({
    env: {},
    url: `http://${USERNAME}:${encodeURIComponent(password)}@${host}/simple`,
  }),
  'the address in UV_INDEX': (_folder, { host }, password) => ({
    env: { UV_INDEX: `private=http://${USERNAME}:${encodeURIComponent(password)}@${host}/simple` },
  }),
};

describe('a private index', () => {
  for (const [name, way] of Object.entries(WAYS)) {
    const skip = name === 'keyring' && process.platform === 'win32' && 'the stand-in for keyring is a script';
    test(`opens by ${name}, and refuses without a word of it`, { skip }, async (t) => {
      const index = await startPrivateIndex(t, { username: USERNAME, password: PASSWORD });
      const build = (password) => {
        const { env, url, programs = [] } = way(temporaryFolder(t), index, password);
        const folder = appFrom(t, url ?? `${index.origin}/simple`);
        lock(folder, index);
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

/** An app that has the secrets, and what its build needs to know of them. */
async function appWithSecrets(t, { fails = false } = {}) {
  const index = await startPrivateIndex(t, { username: USERNAME, password: PASSWORD });
  const folder = appFrom(t, `${index.origin}/simple`);
  const other = `http://eve:${encodeURIComponent(PLANTED.address)}@127.0.0.1:9/simple`;
  fs.appendFileSync(
    path.join(folder, 'pyproject.toml'),
    `\n[[tool.uv.index]]\nname = "other"\nurl = "${other}"\nexplicit = true\n`,
  );
  withBackend(folder, { secret: PLANTED.metadata, fails });
  lock(folder, index);
  fs.writeFileSync(path.join(folder, '.env'), `SECRET=${PLANTED.dotenv}\n`);
  const netrc = `machine elsewhere.test login eve password ${PLANTED.netrc}\n`;
  fs.writeFileSync(path.join(folder, '.netrc'), netrc);
  const home = temporaryFolder(t);
  fs.writeFileSync(path.join(home, '.netrc'), netrc, { mode: 0o600 });
  const store = temporaryFolder(t);
  const credentials = { UV_INDEX_PRIVATE_USERNAME: USERNAME, UV_INDEX_PRIVATE_PASSWORD: PASSWORD };
  return { folder, index, home, store, env: environment(t, { store, env: { HOME: home, ...credentials } }) };
}

/** A CDK app with one function; what it says, and the folders that it writes to. */
function synthesise(t, folder, env, bundling = {}) {
  const runtime = `new lambda.Runtime('python${pythonVersion}', lambda.RuntimeFamily.PYTHON)`;
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
    // The addresses that the build printed are of some use, their secrets are not.
    assert.match(stderr, /UV_INDEX_PRIVATE_PASSWORD/);
    assertNowhere(secrets, { texts: { stdout, stderr }, folders: { 'cdk.out': outdir, store } });
  });

  test('is in no word of a command that fails and prints all it knows', async (t) => {
    const { folder, store, env } = await appWithSecrets(t);
    const commandHooks = { beforeBundling: ['env; cat "$HOME/.netrc"; exit 1'] };
    const { status, stdout, stderr, outdir } = synthesise(t, folder, env, { commandHooks });
    assert.notEqual(status, 0);
    assert.match(stderr, /the `beforeBundling` command .* failed/);
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
    const { host } = await startPrivateIndex(t, { username: USERNAME, password: PASSWORD });
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
    for (const [name, text] of Object.entries(files)) {
      fs.writeFileSync(path.join(folder, name), text);
    }
    // The oldest uv that will do prints such addresses as they are.
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

/** A stand-in for a container engine: notes its arguments, and what it is handed. */
function engine(t, { status = 0 } = {}) {
  const folder = temporaryFolder(t);
  const program = path.join(folder, 'docker.cjs');
  const notes = path.join(folder, 'notes');
  fs.writeFileSync(
    program,
    `#!${process.execPath}
const fs = require('node:fs');
const path = require('node:path');
const call = process.argv.slice(2);
const mount = (to) => call.find((argument) => argument.endsWith(':' + to + ':delegated'))?.split(':')[0];
const folder = mount('/uv-lambda-cdk/handover');
const mode = (file) => (fs.statSync(file).mode & 0o777).toString(8);
const handed = folder && {
  folder,
  around: mode(path.dirname(folder)),
  names: fs.readdirSync(folder),
  contents: JSON.parse(fs.readFileSync(path.join(folder, 'handover.json'), 'utf8')),
};
if (call[0] === 'run') {
  fs.appendFileSync(${JSON.stringify(notes)}, JSON.stringify({ call, handed }) + '\\n');
  fs.writeFileSync(path.join(mount('/asset-output'), 'code.py'), '');
  process.exit(${status});
}
`,
    { mode: 0o755 },
  );
  const read = () => fs.readFileSync(notes, 'utf8').trim().split('\n').map(JSON.parse);
  return { program, call: () => read()[0] };
}

describe('a container', { skip: process.platform === 'win32' && 'the stand-in for Docker is a script' }, () => {
  const synthesiseWith = (t, { bundling = {}, env = {}, status } = {}) => {
    const container = engine(t, { status });
    const folder = appFrom(t, 'http://127.0.0.1:9/simple');
    fs.writeFileSync(
      path.join(folder, 'uv.lock'),
      'version = 1\nrequires-python = ">=3.9"\n[[package]]\nname = "app"\nversion = "1.0"\nsource = { virtual = "." }\n',
    );
    const home = temporaryFolder(t);
    fs.writeFileSync(path.join(home, '.netrc'), `machine a.test login eve password ${PLANTED.netrc}\n`);
    const app = runApp(t, {
      functions: `{ Fn: { path: ${JSON.stringify(folder)}, handler: 'main.handler',
        bundling: { docker: 'always', image: DockerImage.fromRegistry('mine'), ...${JSON.stringify(bundling)} } } }`,
      synthesise: true,
      env: { CDK_DOCKER: container.program, HOME: home, TMPDIR: temporaryFolder(t), ...env },
    });
    return { ...app, ...container.call(), folder };
  };
  const own = { UV_INDEX_PRIVATE_PASSWORD: PLANTED.variable, UV_INDEX: `b=http://eve:${PLANTED.address}@b.test/` };

  test('that fails does not have its options in the error', (t) => {
    const bundling = { commandHooks: { beforeBundling: ['curl https://eve:planted-in-a-command@c.test'] } };
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
      assert.equal(handed.around, '700');
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
    const programs = temporaryFolder(t);
    // A stand-in, as above.
    const answer = `[ "$1 $2 $3" = "get http://127.0.0.1:9/simple ${USERNAME}" ] && printf '%s' '${PASSWORD}'`;
    fs.writeFileSync(path.join(programs, 'keyring'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
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
