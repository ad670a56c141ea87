// The bytes of a bundle depend on its contents alone: the reduced set, on the small workspace. The whole set, on a big
// one too, is `npm run test:reproducibility`; paths, home, locale and users are in bundle.test.mjs.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasProgram } from '../scripts/debian.mjs';
import { compareZips } from '../scripts/reproducibility/compare.mjs';
import { importAll, unpack } from '../scripts/reproducibility/imports.mjs';
import { baseScene, build, cleanUp, newFolder } from '../scripts/reproducibility/scene.mjs';
import { variation } from '../scripts/reproducibility/variations.mjs';
import { root } from '../scripts/tools.mjs';
import { fixture, interpreter, pythonVersion, uv } from './machine.mjs';
import { temporaryFolder } from './workspace.mjs';

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
    ['one core, one worker', hasProgram('taskset') || 'no `taskset` on this machine'],
    ['many workers'],
    ['sources with mode 0777, other times'],
    ['hostile PYTHON* variables'],
    ['hostile UV_* variables'],
    ['cache of uv filled under umask 077'],
    ['in five years', hasProgram('faketime') || 'no `faketime` on this machine'],
  ];
  for (const [name, possible = true] of variations) {
    test(name, { skip: possible !== true && possible }, () => {
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
    const task = unpack(expected.zip, interpreter, scene.work);
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
