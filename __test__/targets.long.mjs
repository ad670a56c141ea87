// Bundles for other runtimes and CPUs than this machine's, with real packages from the index; and refused bundles.
// Longer than `npm test` may take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { assertRefused } from './support/errors.mjs';
import { temporaryFolder, writeAll } from './support/files.mjs';
import { DEBIAN_ARM64, whyNoArm64 } from './support/prepared.mjs';
import { interpreter, uv } from './support/toolchain.mjs';
import { findPython, root } from './support/tools.mjs';
import { writeWheel } from './support/wheels.mjs';
import { INDEX_DAY, lock, manifest } from './support/workspaces.mjs';
import { readZip, unpackZip } from './support/zips.mjs';

const noPython = (version) => !findPython(version, uv) && `this machine has no CPython ${version}`;

/** A project with these dependencies, locked from the index of a fixed day. */
function project(t, dependencies, others = '') {
  const folder = temporaryFolder(t);
  const settings = `[tool.uv]\npackage = false\nexclude-newer = "${INDEX_DAY}"\n${others}`;
  writeAll(folder, {
    'pyproject.toml': manifest('app', dependencies, settings, '>=3.11'),
    'main.py':
      'import json, orjson, pydantic\n\nclass Model(pydantic.BaseModel):\n    a: int\n\nprint(orjson.dumps(Model(a="1").model_dump()).decode())\n',
  });
  return folder;
}

function build(t, folder, pythonVersion, architecture) {
  return bundleSync(
    { path: folder, runtime: `python${pythonVersion}`, architecture, uv, python: findPython(pythonVersion, uv) },
    temporaryFolder(t),
  );
}

/** Every ELF file in a zip as `[name, machine, version]`: its CPU, and the newest glibc that it needs, as an array. */
function elfFiles(zip) {
  return Object.entries(readZip(zip))
    .map(([name, bytes]) => [name, Buffer.from(bytes)])
    .filter(([, contents]) => contents.subarray(0, 4).toString('latin1') === '\x7fELF')
    .map(([name, contents]) => {
      const asked = contents.toString('latin1').matchAll(/\0GLIBC_([0-9.]+)(?=\0)/g);
      const versions = [...asked].map(([, version]) => version.split('.').map(Number));
      const [newest = [0, 0]] = versions.toSorted((left, right) => right[0] - left[0] || right[1] - left[1]);
      return [name, contents.readUInt16LE(18), newest];
    });
}

describe('arm64, from any machine', () => {
  for (const version of ['3.12', '3.13']) {
    test(
      `pandas, pydantic and orjson for python${version}: AArch64, and no newer glibc than 2.34`,
      { skip: noPython(version) },
      (t) => {
        const { zipPath: zip, warnings } = build(
          t,
          lock(project(t, ['pandas', 'pydantic', 'orjson'])),
          version,
          'arm64',
        );
        assert.deepEqual(warnings, []);
        const files = elfFiles(zip);
        assert.ok(files.length > 50, `${files.length} ELF files`);
        const AARCH64 = 183;
        for (const [name, machine, [major, minor]] of files) {
          assert.equal(machine, AARCH64, name);
          assert.ok(major === 2 ? minor <= 34 : major < 2, `${name} wants glibc ${major}.${minor}`);
        }
      },
    );
  }

  test(
    "runs under an emulated CPU, with Debian's CPython for it",
    { skip: noPython('3.11') || (whyNoArm64() ?? false) },
    (t) => {
      const { zipPath: zip } = build(t, lock(project(t, ['pydantic', 'orjson'])), '3.11', 'arm64');
      const task = path.join(DEBIAN_ARM64, 'var/task');
      fs.rmSync(task, { recursive: true, force: true });
      unpackZip(zip, task, interpreter);
      const program = fs.readFileSync(path.join(root, '__test__/support/import_main.py'), 'utf8');
      const emulated = ['/qemu', '/usr/bin/python3.11', '-B', '-c', program];
      const { stdout, stderr } = spawnSync('chroot', [DEBIAN_ARM64, ...emulated], { encoding: 'utf8' });
      assert.equal(stdout, '{"a":1}\naarch64\n', stderr);
    },
  );
});

describe('numpy as it is today', () => {
  test('is built for python3.12', { skip: noPython('3.12') }, (t) => {
    const { packages } = build(t, lock(project(t, ['numpy'])), '3.12', 'x86_64');
    assert.ok(packages.some(({ name }) => name === 'numpy'));
  });

  test('is refused for python3.11, whose glibc is too old', { skip: noPython('3.11') }, (t) => {
    const folder = lock(project(t, ['numpy']));
    assertRefused(
      () => build(t, folder, '3.11', 'x86_64'),
      'NO_WHEEL',
      /^`numpy` [0-9.]+ has wheels for glibc 2\.2[78] or newer, but python3\.11 on Lambda \(Amazon Linux 2\) has glibc 2\.26: choose the runtime python3\.12 or newer, /,
    );
  });
});

describe('a wheel whose files are not what its tag says', () => {
  const fixtures = path.join(root, 'tests/fixtures/check');

  /** A project with a forged wheel, which claims to be for `platform` and holds `file`. */
  function forged(t, platform, file) {
    const index = '\n[[tool.uv.index]]\nname = "wheels"\nurl = "wheels"\nformat = "flat"\n';
    const folder = project(t, ['acme-forged'], index);
    const files = { 'acme_forged/library.so': fs.readFileSync(path.join(fixtures, file)) };
    writeWheel(path.join(folder, 'wheels'), 'acme-forged', files, { tag: `cp311-cp311-${platform}` });
    return lock(folder);
  }

  test('is refused for its CPU', { skip: noPython('3.11') }, (t) => {
    const folder = forged(t, 'manylinux_2_17_aarch64', 'fits.so');
    assert.throws(() => build(t, folder, '3.11', 'arm64'), {
      code: 'WRONG_ARCHITECTURE',
      message: /`acme-forged` 1\.0: `acme_forged\/library\.so` .*x86_64/,
    });
  });

  test('is refused for the symbol version that it needs', { skip: noPython('3.11') }, (t) => {
    const folder = forged(t, 'manylinux_2_17_x86_64', 'wants_glibc_2_38.so');
    assert.throws(() => build(t, folder, '3.11', 'x86_64'), {
      code: 'GLIBC_TOO_NEW',
      message: /`acme-forged` 1\.0: `acme_forged\/library\.so` needs `GLIBC_2\.38`, but python3\.11 .* has glibc 2\.26/,
    });
  });
});
