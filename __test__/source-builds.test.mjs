// Packages that are there only as source: pure ones are built on this machine, and the others are errors that say why.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync, explainSync } from '../index.js';
import { temporaryFolder, write, writeAll } from './support/files.mjs';
import { invoke } from './support/invoke.mjs';
import { commitAll, writeSdist, writeSource } from './support/sdists.mjs';
import { CREDENTIALS, PASSWORD, USERNAME, netrcOf } from './support/secrets.mjs';
import { startIndex } from './support/servers.mjs';
import { options, runtimeClient } from './support/toolchain.mjs';
import { run, withVariables } from './support/tools.mjs';
import { WORKSPACE, fromWorkspace, lock, manifest } from './support/workspaces.mjs';
import { unzip } from './support/zips.mjs';

const HANDLER = 'main.handler';

/** Variables that no script of a package may see. */
const SECRETS = { ...CREDENTIALS, GITHUB_TOKEN: 'ghp_0123456789', AWS_SECRET_ACCESS_KEY: 'aws/0123456789' };

/** A locked app with one dependency, `acme-words`, from `source`. */
function app(t, source, { folder = path.join(temporaryFolder(t), 'app'), others = '', env } = {}) {
  writeAll(folder, {
    'pyproject.toml': manifest('app', ['acme-words'], `[tool.uv.sources]\nacme-words = ${source}\n\n${others}`),
    'main.py': 'from acme_words import WORDS\n\ndef handler(event, context):\n    return WORDS\n',
  });
  return lock(folder, { env });
}

/** Bundles an app, while environment variables have other values. */
function built(t, folder, { variables = {}, ...others } = {}) {
  const output = temporaryFolder(t);
  return withVariables(variables, () => bundleSync(options(folder, { handler: HANDLER, ...others }), output));
}

/** An index of sdists: `{ folder, url, origin }`. */
async function indexOf(t, settings = {}) {
  const folder = temporaryFolder(t);
  return { folder, ...(await startIndex(t, { wheels: folder, ...settings })) };
}

test('a dependency by git, by url, by path, by a folder and of an index', async (t) => {
  const root = temporaryFolder(t);
  const index = await indexOf(t);
  writeSdist(index.folder, 'by-index');
  writeSdist(index.folder, 'by-url', { requires: ['hatchling==1.27.0'] });
  writeSdist(path.join(root, 'workspace/vendor'), 'by-path');
  writeSource(path.join(root, 'by-folder'), 'by-folder');
  writeSource(path.join(root, 'repository/libraries/by-git'), 'by-git');
  const repository = commitAll(path.join(root, 'repository'));
  const sources = {
    'by-index': '{ index = "acme" }',
    'by-url': `{ url = "${index.origin}/files/by_url-1.0.tar.gz" }`,
    'by-path': '{ path = "../../vendor/by_path-1.0.tar.gz" }',
    'by-folder': '{ path = "../../../by-folder" }',
    'by-git': `{ git = "${repository}", subdirectory = "libraries/by-git" }`,
  };
  const names = Object.keys(sources).sort();
  const folder = path.join(root, 'workspace');
  write(
    path.join(folder, 'pyproject.toml'),
    `${WORKSPACE}\n[[tool.uv.index]]\nname = "acme"\nurl = "${index.url}"\nexplicit = true\n`,
  );
  for (const name of names) {
    const member = path.join(folder, 'packages', `takes-${name}`);
    const source = `[tool.uv]\npackage = false\n\n[tool.uv.sources]\n${name} = ${sources[name]}`;
    write(path.join(member, 'pyproject.toml'), manifest(`takes-${name}`, [name], source));
  }
  const members = names.map((name) => `takes-${name}`);
  writeAll(path.join(folder, 'packages/app'), {
    'pyproject.toml': manifest('app', members, fromWorkspace(...members)),
    'main.py': `import importlib\n\ndef handler(event, context):\n    return [importlib.import_module(name).WORDS for name in event]\n`,
  });
  lock(folder);

  const store = temporaryFolder(t);
  const asked = options(folder, { handler: HANDLER, cache: true, cacheDir: store });
  const { zipPath: zip, sha256 } = bundleSync(asked, temporaryFolder(t));
  const events = [names.map((name) => name.replace('-', '_'))];
  assert.deepEqual(await invoke({ zip, handler: HANDLER, events, runtimeClient }), [names]);

  const { packages } = explainSync(asked);
  const told = Object.fromEntries(packages.map(({ name, builtFrom, builtWith }) => [name, [builtFrom, builtWith]]));
  assert.deepEqual(told['by-index'], [`${index.origin}/files/by_index-1.0.tar.gz`, []]);
  assert.equal(told['by-url'][0], `${index.origin}/files/by_url-1.0.tar.gz`);
  assert.ok(told['by-url'][1].includes('hatchling==1.27.0'), told['by-url'][1].join(' '));
  assert.match(told['by-path'][0], /^(\.\/)?vendor\/by_path-1\.0\.tar\.gz$/);
  assert.match(told['by-git'][0], /^git\+file:.*\/repository@[0-9a-f]{40}#subdirectory=libraries\/by-git$/);
  // It is a local package, as every folder is.
  assert.deepEqual(
    [told['by-folder'], told.app],
    [
      [undefined, undefined],
      [undefined, undefined],
    ],
  );

  // The packs are those of the first CPU, and nothing is fetched again.
  const before = index.requests().length;
  const other = bundleSync({ ...asked, architecture: 'arm64' }, temporaryFolder(t));
  assert.equal(other.sha256, sha256);
  assert.equal(index.requests().length, before);
  // Nothing is cached, and the build requirements are resolved again.
  assert.equal(bundleSync({ ...asked, cache: false }, temporaryFolder(t)).sha256, sha256);
});

describe('a build', () => {
  test('sees neither the variables nor the home of the caller', async (t) => {
    const { folder, origin } = await indexOf(t);
    writeSdist(folder, 'acme-words', { about: { looks: true } });
    const others = '[tool.uv]\nconfig-settings = { colour = "red" }\n';
    const project = app(t, `{ url = "${origin}/files/acme_words-1.0.tar.gz" }`, { others });
    const { zipPath } = built(t, project, { variables: SECRETS });
    const { variables, home, config } = JSON.parse(unzip(zipPath)['acme_words/surroundings.json']);
    assert.deepEqual(home, []);
    assert.deepEqual(config, { colour: 'red' });
    assert.deepEqual(
      Object.keys(variables).filter((name) => /^(UV_|AWS_|GIT|NETRC|SSH)/i.test(name)),
      [],
    );
    assert.ok(!JSON.stringify(variables).includes('0123456789'));
  });

  test('for the check of the lock sees no credentials', (t) => {
    const spy = path.join(temporaryFolder(t), 'seen');
    const folder = path.join(temporaryFolder(t), 'app');
    writeSdist(folder, 'acme-words', { about: { spy }, dynamic: true });
    const project = app(t, '{ path = "acme_words-1.0.tar.gz" }', { folder });
    fs.rmSync(spy);
    // With an empty cache, uv builds the package to learn its dependencies.
    built(t, project, { variables: { ...SECRETS, UV_CACHE_DIR: temporaryFolder(t) } });
    const seen = fs.readFileSync(spy, 'utf8').trim().split('\n');
    assert.equal(seen.length, 2);
    for (const text of seen) {
      // The mark of a working folder.
      assert.ok(JSON.parse(text).home.every((name) => name.startsWith('.uv-lambda-cdk-')));
      for (const secret of Object.values(SECRETS)) {
        assert.ok(!text.includes(secret), text);
      }
    }
  });

  test('of a source that only a login opens', async (t) => {
    const { folder, url } = await indexOf(t, { username: USERNAME, password: PASSWORD });
    writeSdist(folder, 'acme-words', { about: { looks: true } });
    const others = `[[tool.uv.index]]\nname = "private"\nurl = "${url}"\nexplicit = true\n`;
    const env = { ...CREDENTIALS, UV_CACHE_DIR: temporaryFolder(t) };
    const project = app(t, '{ index = "private" }', { others, env });
    const { zipPath } = built(t, project, { variables: env });
    assert.ok(!unzip(zipPath)['acme_words/surroundings.json'].includes(USERNAME));
    assert.throws(() => built(t, project, { variables: { UV_CACHE_DIR: temporaryFolder(t) } }), {
      code: 'SOURCE_NOT_AVAILABLE',
      message: /`acme-words` 1\.0 from `http:.*401/s,
    });
  });

  for (const place of ['the manifest', 'netrc']) {
    test(`of a git repository that only the login in ${place} opens`, async (t) => {
      const { folder, host } = await indexOf(t, { username: USERNAME, password: PASSWORD });
      const repository = path.join(folder, 'acme-words.git');
      commitAll(writeSource(path.join(folder, 'sources'), 'acme-words', { about: { looks: true } }));
      run('git', ['clone', '--quiet', '--bare', path.join(folder, 'sources'), repository]);
      run('git', ['update-server-info'], { cwd: repository });
      const home = temporaryFolder(t);
      const login = `${encodeURIComponent(USERNAME)}:${encodeURIComponent(PASSWORD)}`;
      const address = (login) => `{ git = "http://${login}${host}/files/acme-words.git" }`;
      if (place === 'netrc') {
        write(path.join(home, '.netrc'), netrcOf(host.split(':')[0], USERNAME, PASSWORD));
      }
      // git would ask on the terminal.
      const env = { HOME: home, UV_CACHE_DIR: temporaryFolder(t), GIT_TERMINAL_PROMPT: '0' };
      const project = app(t, address(place === 'netrc' ? '' : `${login}@`), { env });
      const variables = { ...env, UV_CACHE_DIR: temporaryFolder(t) };
      const { zipPath } = built(t, project, { variables });
      const zip = unzip(zipPath);
      for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) {
        assert.ok(!Object.values(zip).some((contents) => Buffer.from(contents).includes(secret)));
      }
      const stranger = { HOME: temporaryFolder(t), UV_CACHE_DIR: temporaryFolder(t) };
      if (place === 'netrc') {
        assert.throws(() => built(t, project, { variables: { ...variables, ...stranger } }), {
          code: 'SOURCE_NOT_AVAILABLE',
          message: /`acme-words` 1\.0 from `git\+http:/,
        });
      }
    });
  }
});

describe('an error says what to do', () => {
  /** The app of an sdist at an address, and the folder of the sdist. */
  async function served(t, settings) {
    const { folder, origin } = await indexOf(t);
    writeSdist(folder, 'acme-words', settings);
    return { folder, origin, project: app(t, `{ url = "${origin}/files/acme_words-1.0.tar.gz" }`) };
  }

  test('a build that fails, in its own words and without credentials', async (t) => {
    const fails = 'no words from https://ada:hunter2hunter2@words.test/';
    const { project } = await served(t, { about: { fails } });
    assert.throws(
      () => built(t, project),
      ({ code, message }) => {
        assert.equal(code, 'SOURCE_BUILD_FAILED');
        assert.match(
          message,
          /: failed to build `acme-words` 1\.0 from its source \(`http:.*RuntimeError: no words from /s,
        );
        assert.match(message, /build-constraint-dependencies/);
        assert.ok(!message.includes('hunter2'));
        return true;
      },
    );
  });

  test('a package that is compiled, and one whose wheel is for one platform', async (t) => {
    const { project } = await served(t, { about: { native: 'acme_words/fast.so' } });
    assert.throws(() => built(t, project), {
      code: 'NO_WHEEL',
      message:
        /: `acme-words` 1\.0 .*`acme_words-1\.0-py3-none-any\.whl` has `acme_words\/fast\.so`, a file of machine code \(ELF\)/,
    });
    const other = await served(t, { about: { tag: 'cp313-cp313-linux_x86_64' } });
    assert.throws(() => built(t, other.project), { code: 'NO_WHEEL', message: /for one platform only/ });
  });

  test('an archive that is not the one of the lock', async (t) => {
    const { folder, project } = await served(t, {});
    writeSdist(folder, 'acme-words', { words: 'other words' });
    assert.throws(() => built(t, project, { variables: { UV_CACHE_DIR: temporaryFolder(t) } }), {
      code: 'HASH_MISMATCH',
      message: /`acme-words` 1\.0 at `http:.*sha256:.*--upgrade-package acme-words/s,
    });
  });

  test('a commit that is gone', async (t) => {
    const repository = path.join(temporaryFolder(t), 'repository');
    const address = commitAll(writeSource(repository, 'acme-words'));
    const project = app(t, `{ git = "${address}" }`);
    fs.rmSync(path.join(repository, '.git'), { recursive: true });
    write(path.join(repository, 'more'), '');
    commitAll(repository);
    assert.throws(() => built(t, project, { variables: { UV_CACHE_DIR: temporaryFolder(t) } }), {
      code: 'SOURCE_NOT_AVAILABLE',
      message: /`acme-words` 1\.0 from `git\+file:.*--upgrade-package acme-words/s,
    });
  });

  test('no network', async (t) => {
    const { origin, project } = await served(t, {});
    // Nobody listens there.
    for (const file of ['pyproject.toml', 'uv.lock'].map((name) => path.join(project, name))) {
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll(origin, 'http://127.0.0.1:9'));
    }
    assert.throws(() => built(t, project, { variables: { UV_CACHE_DIR: temporaryFolder(t), UV_HTTP_RETRIES: '0' } }), {
      code: 'SOURCE_NOT_AVAILABLE',
      message: /Check that this machine reaches it/,
    });
  });

  test('a build requirement that has no wheel', async (t) => {
    const { folder, origin, url } = await indexOf(t);
    writeSdist(folder, 'acme-tool');
    writeSdist(folder, 'acme-words', { about: { requires: ['acme-tool'] } });
    const others = `[[tool.uv.index]]\nurl = "${url}"\ndefault = true\n`;
    const project = app(t, `{ url = "${origin}/files/acme_words-1.0.tar.gz" }`, { others });
    assert.throws(() => built(t, project), {
      code: 'SOURCE_BUILD_FAILED',
      message:
        /: failed to install the build requirements of `acme-words` 1\.0 \(`acme-tool`\), of which only wheels are taken:\n/,
    });
  });

  test('where building is forbidden, by the option or by uv', async (t) => {
    const { project } = await served(t, {});
    const message = /: `acme-words` 1\.0 has no wheels, only its source, and the option `sourceBuilds`/;
    assert.throws(() => built(t, project, { sourceBuilds: false }), { code: 'NO_WHEEL', message });
    fs.appendFileSync(path.join(project, 'pyproject.toml'), '[tool.uv]\nno-build-package = ["acme-words"]\n');
    assert.throws(() => built(t, project), { code: 'NO_WHEEL', message });
  });
});
