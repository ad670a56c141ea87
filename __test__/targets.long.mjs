// Bundles for other runtimes and CPUs than this machine's, with real packages from the index, and what is refused.
// Longer than `npm test` may take: `npm run test:long`.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { before, describe, test } from 'node:test';
import { bundleSync } from '../index.js';
import { debianMirror, ensurePrograms, isRoot } from '../scripts/debian.mjs';
import { findPython, root, run } from '../scripts/tools.mjs';
import { interpreter, uv } from './machine.mjs';
import { temporaryFolder } from './workspace.mjs';

const noPython = (version) => !findPython(version, uv) && `this machine has no CPython ${version}`;

/** A locked project with these dependencies, of the index as it was on one day. */
function project(t, dependencies, others = '') {
  const folder = temporaryFolder(t);
  fs.writeFileSync(
    path.join(folder, 'pyproject.toml'),
    `[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ${JSON.stringify(dependencies)}\n` +
      `[tool.uv]\npackage = false\nexclude-newer = "2026-09-01T00:00:00Z"\n${others}`,
  );
  fs.writeFileSync(
    path.join(folder, 'main.py'),
    'import json, orjson, pydantic\n\nclass Model(pydantic.BaseModel):\n    a: int\n\nprint(orjson.dumps(Model(a="1").model_dump()).decode())\n',
  );
  return folder;
}

function lock(folder) {
  run(uv, ['lock', '--quiet', '--python', interpreter], { cwd: folder });
  return folder;
}

function build(t, folder, pythonVersion, architecture) {
  return bundleSync(
    { path: folder, pythonVersion, architecture, uv, python: findPython(pythonVersion, uv) },
    temporaryFolder(t),
  );
}

/** What Debian's `readelf` would say of every ELF file in a zip, read by Python: machine, and the newest glibc asked for. */
function elfFiles(zip) {
  const script = `
import json, re, struct, sys, zipfile
found = []
archive = zipfile.ZipFile(sys.argv[1])
for name in archive.namelist():
    contents = archive.read(name)
    if contents[:4] == b"\\x7fELF":
        versions = [tuple(map(int, version.split(b"."))) for version in re.findall(rb"\\0GLIBC_([0-9.]+)(?=\\0)", contents)]
        found.append([name, struct.unpack("<H", contents[18:20])[0], max(versions, default=(0, 0))])
print(json.dumps(found))`;
  return JSON.parse(run(interpreter, ['-c', script, zip]));
}

describe('arm64, from any machine', () => {
  for (const version of ['3.12', '3.13']) {
    test(
      `pandas, pydantic and orjson for python${version}: AArch64, and no newer glibc than 2.34`,
      { skip: noPython(version) },
      (t) => {
        const { path: zip, warnings } = build(t, lock(project(t, ['pandas', 'pydantic', 'orjson'])), version, 'arm64');
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

  test("runs under an emulated CPU, with Debian's CPython for it", { skip: noPython('3.11') }, (t) => {
    const missing = isRoot
      ? ensurePrograms({ 'qemu-aarch64-static': 'qemu-user-static', debootstrap: 'debootstrap' })
      : 'only root can make a Debian for another CPU';
    if (missing !== undefined) {
      t.skip(missing);
      return;
    }
    const { path: zip } = build(t, lock(project(t, ['pydantic', 'orjson'])), '3.11', 'arm64');
    const system = path.join(root, '.tools/debian-arm64');
    if (!fs.existsSync(path.join(system, 'usr/bin/python3.11'))) {
      fs.rmSync(system, { recursive: true, force: true });
      run('debootstrap', [
        '--foreign',
        '--arch=arm64',
        '--variant=minbase',
        '--include=python3',
        'bookworm',
        system,
        debianMirror(),
      ]);
      // Unpacked is enough: nothing of it is configured or installed.
      const archives = path.join(system, 'var/cache/apt/archives');
      for (const archive of fs.readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
        run('dpkg', ['-x', path.join(archives, archive), system]);
      }
      fs.copyFileSync('/usr/bin/qemu-aarch64-static', path.join(system, 'qemu'));
    }
    const task = path.join(system, 'var/task');
    fs.rmSync(task, { recursive: true, force: true });
    run(interpreter, ['-m', 'zipfile', '-e', zip, task]);
    const emulated = [
      '/qemu',
      '/usr/bin/python3.11',
      '-B',
      '-c',
      'import sys; sys.path.insert(0, "/var/task"); import main, platform; print(platform.machine())',
    ];
    const { stdout, stderr } = spawnSync('chroot', [system, ...emulated], { encoding: 'utf8' });
    assert.equal(stdout, '{"a":1}\naarch64\n', stderr);
  });
});

describe('numpy as it is today', () => {
  test('is built for python3.12', { skip: noPython('3.12') }, (t) => {
    const { packages } = build(t, lock(project(t, ['numpy'])), '3.12', 'x86_64');
    assert.ok(packages.some(({ name }) => name === 'numpy'));
  });

  test('is refused for python3.11, whose glibc is too old', { skip: noPython('3.11') }, (t) => {
    const folder = lock(project(t, ['numpy']));
    assert.throws(() => build(t, folder, '3.11', 'x86_64'), {
      code: 'NO_WHEEL',
      message:
        /^`numpy` [0-9.]+ has wheels for glibc 2\.2[78] or newer, but python3\.11 on Lambda \(Amazon Linux 2\) has glibc 2\.26: choose the runtime python3\.12 or newer, /,
    });
  });
});

describe('a wheel whose files are not what its tag says', () => {
  let fixtures;
  before(() => {
    fixtures = path.join(root, 'tests/fixtures/check');
  });

  /** A project with a forged wheel, which claims to be for `platform` and holds `file`. */
  function forged(t, platform, file) {
    const index = '\n[[tool.uv.index]]\nname = "wheels"\nurl = "wheels"\nformat = "flat"\n';
    const folder = project(t, ['acme-forged'], index);
    const tag = `cp311-cp311-${platform}`;
    const script = `
import sys, zipfile
wheel, library, tag = sys.argv[1:]
with zipfile.ZipFile(wheel, "w") as archive:
    archive.write(library, "acme_forged/library.so")
    archive.writestr("acme_forged-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: acme-forged\\nVersion: 1.0\\n")
    archive.writestr("acme_forged-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {tag}\\n")
    archive.writestr("acme_forged-1.0.dist-info/RECORD", "acme_forged/library.so,,\\nacme_forged-1.0.dist-info/METADATA,,\\nacme_forged-1.0.dist-info/WHEEL,,\\nacme_forged-1.0.dist-info/RECORD,,\\n")`;
    fs.mkdirSync(path.join(folder, 'wheels'));
    const wheel = path.join(folder, 'wheels', `acme_forged-1.0-${tag}.whl`);
    run(interpreter, ['-c', script, wheel, path.join(fixtures, file), tag]);
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
