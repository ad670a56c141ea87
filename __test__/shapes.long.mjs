// Every shape of a uv project: each is created, locked and bundled, and its function answers from the zip through
// AWS's runtime client. Longer than `npm test` may take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { bundle } from '../index.js';
import { temporaryFolder, writeAll } from './support/files.mjs';
import { checkVersionFromGit } from './support/git-versions.mjs';
import { invoke } from './support/invoke.mjs';
import { listen } from './support/servers.mjs';
import { interpreter, options, pythonVersion, runtimeClient, uv } from './support/toolchain.mjs';
import { FIXTURE, HATCHLING, WORKSPACE, fromWorkspace, manifest as manifestFor } from './support/workspaces.mjs';
import { unzip } from './support/zips.mjs';

// Nothing here may block: servers of the same process answer uv.
const start = promisify(execFile);

const WHEEL = 'acme_greeting-1.0-py3-none-any.whl';
const wheels = path.join(FIXTURE, 'wheels');

async function lock(folder) {
  await start(uv, ['lock', '--quiet', '--python', interpreter], { cwd: folder });
  return folder;
}

/** A folder with these files, locked. */
async function project(t, files) {
  const folder = path.join(temporaryFolder(t), 'project');
  writeAll(folder, files);
  return lock(folder);
}

/** A manifest for the Python of the tests. */
const manifest = (name, dependencies, others) => manifestFor(name, dependencies, others, `>=${pythonVersion}`);

/** Bundles and invokes a function. Returns its answer, the names in its zip, and its report. */
async function answerOf(t, folder, { handler, event = {}, ...others }) {
  const built = await bundle(options(folder, { packageName: undefined, handler, ...others }), temporaryFolder(t));
  const [answer] = await invoke({ zip: built.zipPath, handler, events: [event], runtimeClient });
  return { answer, names: Object.keys(unzip(built.zipPath)), built };
}

/** A function that answers with an expression. */
const functionOf = (imports, expression) =>
  `${imports}\n\ndef lambda_handler(event, context):\n    return ${expression}\n`;

for (const backend of ['setuptools-scm', 'uv-dynamic-versioning']) {
  test(`a version that ${backend} takes from git comes out right`, (t) => checkVersionFromGit(t, backend));
}

describe('a member and its library, both built by', () => {
  const backends = {
    hatchling: HATCHLING,
    uv_build: '[build-system]\nrequires = ["uv_build>=0.8,<0.14"]\nbuild-backend = "uv_build"\n',
    setuptools:
      '[build-system]\nrequires = ["setuptools==80.9.0"]\nbuild-backend = "setuptools.build_meta"\n\n[tool.setuptools.package-data]\n"*" = ["*.json", "py.typed"]\n',
    'poetry-core':
      '[build-system]\nrequires = ["poetry-core==2.1.3"]\nbuild-backend = "poetry.core.masonry.api"\n\n[tool.poetry]\npackages = [{ include = "*", from = "src" }]\n',
    flit: '[build-system]\nrequires = ["flit_core==3.12.0"]\nbuild-backend = "flit_core.buildapi"\n',
  };
  for (const [backend, buildSystem] of Object.entries(backends)) {
    test(`${backend}: code, data, metadata and entry points arrive`, async (t) => {
      // Flit takes no manifest without a description.
      const about = 'description = "a library"\n';
      const withDescription = (text) => text.replace('version =', `${about}version =`);
      const folder = await project(t, {
        'pyproject.toml': WORKSPACE,
        'packages/my-app/pyproject.toml': withDescription(
          manifest('my-app', ['my-library'], fromWorkspace('my-library') + buildSystem),
        ),
        'packages/my-app/src/my_app/__init__.py': '',
        'packages/my-app/src/my_app/lambda_function.py': functionOf(
          'from importlib.metadata import entry_points, version\nfrom importlib.resources import files\nimport my_library',
          '[my_library.words(), version("my-app"), [point.load()() for point in entry_points(group="acme.plugins")], files("my_library").joinpath("py.typed").is_file()]',
        ),
        'packages/my-library/pyproject.toml': withDescription(
          manifest(
            'my-library',
            [],
            `[project.entry-points."acme.plugins"]\nwords = "my_library:words"\n\n${buildSystem}`,
          ),
        ),
        'packages/my-library/src/my_library/__init__.py':
          'import json, pathlib\n\n\ndef words():\n    return json.loads((pathlib.Path(__file__).parent / "words.json").read_text())\n',
        'packages/my-library/src/my_library/words.json': '["one"]',
        'packages/my-library/src/my_library/py.typed': '',
      });
      const { answer, names, built } = await answerOf(t, folder, {
        packageName: 'my-app',
        handler: 'my_app.lambda_function.lambda_handler',
      });
      assert.deepEqual(answer, [['one'], '1.0', [['one']], true]);
      assert.deepEqual(
        built.packages.map(({ name }) => name),
        ['my-app', 'my-library'],
      );
      assert.ok(!names.some((name) => /pyproject|\.egg-info|^src\//.test(name)), names.join(' '));
    });
  }
});

describe('a project as `uv init` makes it', () => {
  /** Made by uv itself, with a function added, and locked. */
  async function initialised(t, flags, files) {
    const folder = path.join(temporaryFolder(t), 'my-app');
    await start(uv, ['init', '--quiet', '--vcs', 'none', '--python', interpreter, ...flags, folder]);
    writeAll(folder, files);
    return lock(folder);
  }

  const shapes = {
    'an application': ['--app', '--package'],
    'a library': ['--lib'],
    'with hatchling': ['--lib', '--build-backend', 'hatch'],
    'with flit': ['--lib', '--build-backend', 'flit'],
    'with pdm-backend': ['--lib', '--build-backend', 'pdm'],
    'with poetry-core': ['--lib', '--build-backend', 'poetry'],
    'with setuptools': ['--lib', '--build-backend', 'setuptools'],
  };
  for (const [name, flags] of Object.entries(shapes)) {
    test(`${name}, with the handler that is the default`, async (t) => {
      const folder = await initialised(t, flags, { 'src/my_app/lambda_function.py': functionOf('', 'event') });
      const handler = 'my_app.lambda_function.lambda_handler';
      const { answer } = await answerOf(t, folder, { handler, event: { a: [1] } });
      assert.deepEqual(answer, { a: [1] });
    });
  }

  test('an application without a build system: its modules, packages and data beside its dependencies', async (t) => {
    const folder = await initialised(t, ['--app', '--no-package'], {
      'lambda_function.py': functionOf(
        'from acme_greeting import greeting\nfrom helpers.text import shout\nimport words',
        'shout(greeting(event["name"])) + words.LAST + open("data/end.txt").read()',
      ),
      'words.py': 'LAST = " Bye"\n',
      'helpers/__init__.py': '',
      'helpers/text.py': 'def shout(text):\n    return text.upper()\n',
      'data/end.txt': '.',
      '.env': 'SECRET=1',
      '.venv/pyvenv.cfg': '',
      'cdk.out/asset.zip': '',
    });
    const toml = path.join(folder, 'pyproject.toml');
    const before = fs.readFileSync(toml, 'utf8');
    fs.writeFileSync(
      toml,
      before.replace('dependencies = []', 'dependencies = ["acme-greeting"]') +
        `\n[tool.uv.sources]\nacme-greeting = { path = ${JSON.stringify(path.join(wheels, WHEEL))} }\n`,
    );
    await lock(folder);
    const handler = 'lambda_function.lambda_handler';
    const { answer, names } = await answerOf(t, folder, { handler, event: { name: 'Ada' } });
    assert.equal(answer, 'HELLO, ADA! Bye.');
    assert.ok(
      !names.some((name) => /pyproject|uv\.lock|\.env|\.venv|cdk\.out|\.python-version/.test(name)),
      `${names}`,
    );
  });
});

describe('a project', () => {
  test('that stands alone, its modules not in `src`', async (t) => {
    const folder = await project(t, {
      'pyproject.toml': manifest('alone', [], HATCHLING),
      'alone/__init__.py': '',
      'alone/lambda_function.py': functionOf('', '"alone"'),
      'tests/test_alone.py': 'assert False\n',
    });
    for (const inside of ['.', 'alone']) {
      const { answer, names } = await answerOf(t, path.join(folder, inside), {
        handler: 'alone.lambda_function.lambda_handler',
      });
      assert.equal(answer, 'alone');
      assert.ok(!names.some((name) => name.includes('test')), names.join(' '));
    }
  });

  test('that is a package without naming a build system', async (t) => {
    const folder = await project(t, {
      'pyproject.toml': manifest('legacy', [], '[tool.uv]\npackage = true\n'),
      'src/legacy/__init__.py': functionOf('', '"legacy"'),
    });
    assert.equal((await answerOf(t, folder, { handler: 'legacy.lambda_handler' })).answer, 'legacy');
  });

  test('whose root is a function too', async (t) => {
    const folder = await project(t, {
      'pyproject.toml': manifest('main', ['part'], WORKSPACE + fromWorkspace('part') + HATCHLING),
      'src/main/__init__.py': functionOf('import part', 'part.NAME'),
      'packages/part/pyproject.toml': manifest('part', [], HATCHLING),
      'packages/part/src/part/__init__.py': 'NAME = "part"\n',
    });
    const { answer, names } = await answerOf(t, folder, { packageName: 'main', handler: 'main.lambda_handler' });
    assert.equal(answer, 'part');
    assert.ok(!names.some((name) => name.startsWith('packages')), names.join(' '));
  });

  test('whose members lie in one another, are found by globs, and left out by others', async (t) => {
    const folder = await project(t, {
      'pyproject.toml':
        '[tool.uv.workspace]\nmembers = ["services/*", "services/*/plugins/*", "libraries/shared"]\nexclude = ["services/old"]\n',
      'services/api/pyproject.toml': manifest('api', ['shared', 'fast'], fromWorkspace('shared', 'fast')),
      'services/api/lambda_function.py': functionOf('import fast, shared', '[shared.NAME, fast.NAME]'),
      'services/api/plugins/fast/pyproject.toml': manifest('fast', [], HATCHLING),
      'services/api/plugins/fast/src/fast/__init__.py': 'NAME = "fast"\n',
      'services/old/pyproject.toml': 'not = even a manifest',
      'libraries/shared/pyproject.toml': manifest('shared', [], HATCHLING),
      'libraries/shared/src/shared/__init__.py': 'NAME = "shared"\n',
    });
    const handler = 'lambda_function.lambda_handler';
    for (const inside of ['services/api', 'services/api/plugins']) {
      const { answer, names } = await answerOf(t, path.join(folder, inside), { handler });
      assert.deepEqual(answer, ['shared', 'fast']);
      assert.ok(!names.some((name) => name.startsWith('plugins')), names.join(' '));
    }
    const inPlugin = options(path.join(folder, 'services/api/plugins/fast/src/fast'), { packageName: undefined });
    const { zipPath: zip } = await bundle(inPlugin, temporaryFolder(t));
    assert.equal(path.basename(zip), 'fast.zip');
  });

  test('with one namespace over several members', async (t) => {
    const hatch = (module) => `${HATCHLING}\n[tool.hatch.build.targets.wheel]\npackages = ["src/${module}"]\n`;
    const folder = await project(t, {
      'pyproject.toml': WORKSPACE,
      'packages/orders/pyproject.toml': manifest(
        'acme-orders',
        ['acme-common'],
        fromWorkspace('acme-common') + hatch('acme'),
      ),
      'packages/orders/src/acme/orders/lambda_function.py': functionOf('from acme.common import NAME', 'NAME'),
      'packages/orders/src/acme/orders/__init__.py': '',
      'packages/common/pyproject.toml': manifest('acme-common', [], hatch('acme')),
      'packages/common/src/acme/common/__init__.py': 'NAME = "common"\n',
    });
    const { answer } = await answerOf(t, folder, {
      packageName: 'acme-orders',
      handler: 'acme.orders.lambda_function.lambda_handler',
    });
    assert.equal(answer, 'common');
    // The default handler of such a package is wrong, and the error knows the right one.
    const handler = 'acme_orders.lambda_function.lambda_handler';
    await assert.rejects(answerOf(t, folder, { packageName: 'acme-orders', handler }), {
      code: 'HANDLER_NOT_FOUND',
      message: /did you mean `acme\.orders\.lambda_function`\?/,
    });
  });
});

describe('a dependency', () => {
  /** A function that greets with the package, which comes from `source`. */
  const greeter = (source, others = '') => ({
    'pyproject.toml': manifest('app', ['acme-greeting'], `[tool.uv.sources]\nacme-greeting = ${source}\n${others}`),
    'lambda_function.py': functionOf('from acme_greeting import greeting', 'greeting(event["name"])'),
  });
  const asked = { handler: 'lambda_function.lambda_handler', event: { name: 'Ada' } };

  /** The sources of a pure package of that name, as a folder. */
  function sources(folder) {
    writeAll(folder, {
      'pyproject.toml': manifest('acme-greeting', [], HATCHLING),
      'src/acme_greeting/__init__.py': 'def greeting(name):\n    return f"Hello from source, {name}!"\n',
    });
    return folder;
  }

  /** A server on loopback; `address` is its address. Counts the requests. */
  async function server(t, files) {
    const requests = [];
    const { host, close } = await listen((request, response) => {
      requests.push(request.url);
      const contents = files[request.url];
      response.writeHead(contents === undefined ? 404 : 200, {
        'Content-Type': typeof contents === 'string' ? 'text/html' : 'application/octet-stream',
      });
      response.end(contents);
    });
    t.after(close);
    return { address: `http://${host}`, requests };
  }

  test('by path: a wheel, inside the project and outside', async (t) => {
    const inside = path.join(temporaryFolder(t), 'project');
    writeAll(inside, greeter(`{ path = "wheels/${WHEEL}" }`));
    fs.cpSync(wheels, path.join(inside, 'wheels'), { recursive: true });
    assert.equal((await answerOf(t, await lock(inside), asked)).answer, 'Hello, Ada!');

    const outside = await project(t, greeter(`{ path = ${JSON.stringify(path.join(wheels, WHEEL))} }`));
    assert.equal((await answerOf(t, outside, asked)).answer, 'Hello, Ada!');
  });

  test('by path: a folder, inside the project and outside, editable or not', async (t) => {
    const place = temporaryFolder(t);
    sources(path.join(place, 'elsewhere'));
    for (const [name, source] of Object.entries({
      outside: '{ path = "../elsewhere" }',
      editable: '{ path = "../elsewhere", editable = true }',
      inside: '{ path = "vendored" }',
    })) {
      const folder = path.join(place, name);
      writeAll(folder, greeter(source));
      sources(path.join(folder, 'vendored'));
      const { answer, names } = await answerOf(t, await lock(folder), asked);
      assert.equal(answer, 'Hello from source, Ada!', name);
      assert.ok(!names.some((name) => name.endsWith('.pth')), names.join(' '));
    }
  });

  test('by url: a wheel', async (t) => {
    const { address, requests } = await server(t, { [`/${WHEEL}`]: fs.readFileSync(path.join(wheels, WHEEL)) });
    const folder = await project(t, greeter(`{ url = "${address}/${WHEEL}" }`));
    assert.equal((await answerOf(t, folder, asked)).answer, 'Hello, Ada!');
    assert.ok(requests.length > 0);
  });

  test('from another index', async (t) => {
    const page = `<!DOCTYPE html><html><body><a href="/files/${WHEEL}">${WHEEL}</a></body></html>`;
    const { address, requests } = await server(t, {
      '/simple/acme-greeting/': page,
      [`/files/${WHEEL}`]: fs.readFileSync(path.join(wheels, WHEEL)),
    });
    const index = `\n[[tool.uv.index]]\nname = "acme"\nurl = "${address}/simple"\nexplicit = true\n`;
    const folder = await project(t, greeter('{ index = "acme" }', index));
    assert.equal((await answerOf(t, folder, asked)).answer, 'Hello, Ada!');
    assert.ok(requests.includes('/simple/acme-greeting/'), requests.join(' '));
  });

  test('by git', async (t) => {
    const repository = sources(path.join(temporaryFolder(t), 'repository'));
    for (const words of [
      ['init', '--quiet'],
      ['add', '.'],
      ['-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '--message', 'one'],
    ]) {
      await start('git', words, { cwd: repository });
    }
    const folder = await project(t, greeter(`{ git = "file://${repository}" }`));
    for (const nativeBuilds of [false, true]) {
      const { answer } = await answerOf(t, folder, { ...asked, nativeBuilds });
      assert.equal(answer, 'Hello from source, Ada!');
    }
  });
});
