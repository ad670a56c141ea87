// The bytes of a bundle depend on its contents alone: the reduced set, on the small workspace. The whole set, on a big
// one too, is `npm run test:reproducibility`; paths, home, locale and users are in bundle.test.mjs.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { baseScene, build, cleanUp, newFolder } from './reproducibility/scene.mjs';
import { variation } from './reproducibility/variations.mjs';
import { temporaryFolder } from './support/files.mjs';
import { importAll, unpackTask } from './support/imports.mjs';
import { whyNoProgram } from './support/prepared.mjs';
import { interpreter, pythonVersion, uv } from './support/toolchain.mjs';
import { root } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';
import { compareZips } from './support/zips.mjs';

describe('the same bytes come out', () => {
  const work = temporaryFolder({ after });
  let scene;
  let expected;

  before(() => {
    const workspace = fixture(undefined, path.join(work, 'workspace'));
    const cache = path.join(work, 'cache');
    const tools = { uv, python: interpreter, pythonVersion, package: root, cache };
    scene = baseScene({ ...tools, work, workspace, packageName: 'app' });
    expected = build(scene);
  });

  const variations = [
    ['one core, one worker', whyNoProgram('taskset')],
    ['many workers'],
    ['sources with mode 0777, other times'],
    ['hostile PYTHON* variables'],
    ['hostile UV_* variables'],
    ['cache of uv filled under umask 077'],
    ['in five years', whyNoProgram('faketime')],
  ];
  for (const [name, skip] of variations) {
    test(name, { skip: skip ?? false }, () => {
      const changed = variation(name).change(scene, newFolder(scene.work, 'variation'));
      try {
        const bundle = build(changed);
        assert.equal(bundle.sha256, expected.sha256, () => compareZips(expected.zip, bundle.zip, interpreter));
      } finally {
        cleanUp(changed);
      }
    });
  }

  test('of the same contents only', () => {
    const place = newFolder(scene.work, 'variation');
    const workspace = fixture(undefined, path.join(place, 'workspace'));
    fs.appendFileSync(path.join(workspace, 'packages/library/src/library/__init__.py'), '\nCHANGED = 1\n');
    const bundle = build({ ...scene, workspace });
    assert.notEqual(bundle.sha256, expected.sha256);
    const tag = pythonVersion.replace('.', '');
    assert.deepEqual(
      compareZips(expected.zip, bundle.zip, interpreter)
        .split('\n')
        .map((line) => line.split(' differ')[0]),
      [
        '3 entries',
        'library-1.0.dist-info/RECORD',
        'library/__init__.py',
        `library/__pycache__/__init__.cpython-${tag}.pyc`,
      ],
    );
  });

  test('and all modules come from bytecode on a read-only tree', () => {
    const task = unpackTask(expected.zip, interpreter, scene.work);
    try {
      const { modules, fromBytecode, compiled, elsewhere, failed } = importAll(task, ['app.main']);
      assert.deepEqual({ compiled, elsewhere, failed }, { compiled: [], elsewhere: [], failed: [] });
      assert.equal(modules, 4);
      assert.equal(fromBytecode, 4);
    } finally {
      task.remove();
    }
  });
});
