// uv workspaces and projects: their manifests, their files, their locks.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { edit, temporaryFolder, write, writeAll } from './files.mjs';
import { defaultTools, root, run } from './tools.mjs';

/** The folder of the workspace `tests/fixtures/workspace`. It is locked, and its wheels are beside it: it needs no index. */
export const FIXTURE = path.join(root, 'tests/fixtures/workspace');

/** A build system in a manifest. */
export const HATCHLING = '[build-system]\nrequires = ["hatchling==1.27.0"]\nbuild-backend = "hatchling.build"\n';

/** A manifest's table of members: every folder in `packages`. */
export const WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\n';

/** The day whose index is locked where real packages are used, so that a run of next year uses the same packages. */
export const INDEX_DAY = '2026-09-01T00:00:00Z';

/** A manifest's table of sources: these packages are members of the same workspace. */
export function fromWorkspace(...names) {
  return `[tool.uv.sources]\n${names.map((name) => `${name} = { workspace = true }\n`).join('')}\n`;
}

/** The text of a `pyproject.toml`. `others` is text that follows the fields of every project. */
export function manifest(name, dependencies = [], others = '', requiresPython = '>=3.9') {
  const fields = [`name = "${name}"`, 'version = "1.0"', `requires-python = "${requiresPython}"`];
  return `[project]\n${fields.join('\n')}\ndependencies = ${JSON.stringify(dependencies)}\n\n${others}`;
}

/** A copy of `tests/fixtures/workspace`, in which a test may change files. Its members are `app`, `library` and `other`. */
export function fixture(test, folder = path.join(temporaryFolder(test), 'workspace')) {
  fs.cpSync(FIXTURE, folder, { recursive: true });
  return folder;
}

/** A locked workspace of two members, `one` and `two`, for tests that install nothing. It is for Python 3.13, and needs no uv. */
export function workspace(test, folder = path.join(temporaryFolder(test), 'workspace')) {
  const names = ['one', 'two'];
  write(path.join(folder, 'pyproject.toml'), WORKSPACE);
  write(path.join(folder, '.python-version'), '3.13\n');
  for (const name of names) {
    writeAll(path.join(folder, 'packages', name), {
      'pyproject.toml': manifest(name),
      [`${name}/__init__.py`]: 'def handler(event, context):\n    return event\n',
    });
  }
  const packages = names.map((name) => [name, `packages/${name}`]);
  write(path.join(folder, 'uv.lock'), virtualLock(packages, '\n[manifest]\nmembers = ["one", "two"]\n'));
  return folder;
}

/** The text of a `uv.lock` of local packages without a build system, as `[name, folder]`. */
export function virtualLock(packages, others = '') {
  const locked = packages.map(
    ([name, folder]) => `\n[[package]]\nname = "${name}"\nversion = "1.0"\nsource = { virtual = "${folder}" }\n`,
  );
  return `version = 1\nrevision = 3\nrequires-python = ">=3.9"\n${others}${locked.join('')}`;
}

/**
 * Locks a project and returns its folder.
 *
 * @param script the name of a script in the folder, which is locked instead of the project
 * @param env variables beside those of this process
 */
export function lock(folder, { uv = defaultTools().uv, python = defaultTools().python, script, env } = {}) {
  const flags = script === undefined ? [] : ['--script', script];
  run(uv, ['lock', '--quiet', '--python', python, ...flags], { cwd: folder, env: { ...process.env, ...env } });
  return folder;
}

/** A new, locked project of these files: their texts by their paths. */
export function project(test, files, settings) {
  const folder = path.join(temporaryFolder(test), 'project');
  writeAll(folder, files);
  return lock(folder, settings);
}

/**
 * Writes a member of a workspace into `packages/<name>`.
 *
 * @param files the files of its module: texts by paths
 * @param others text of its manifest beside the fields of every project
 */
export function writeMember(folder, name, { dependencies = [], files, others = HATCHLING, requiresPython }) {
  const member = path.join(folder, 'packages', name);
  write(path.join(member, 'pyproject.toml'), manifest(name, dependencies, others, requiresPython));
  writeAll(path.join(member, 'src', name.replaceAll('-', '_')), files);
}

/** Copies an example of the checkout, without what earlier runs left in it. `except` are names of more files that are not copied. */
export function copyExample(name, target, except = []) {
  const left = new Set(['node_modules', 'cdk.out', '.venv', '__pycache__', ...except]);
  fs.cpSync(path.join(root, name), target, { recursive: true, filter: (file) => !left.has(path.basename(file)) });
}

/**
 * Adds a package in C, `acme-native`, to a copy of the fixture: it is there only as source, in the flat index, and its module says 42.
 * The member `app` depends on it and has the handler `app.native.handler`.
 *
 * @param settings as for `lock`
 */
export function addNativePackage(workspace, settings) {
  const source = path.join(workspace, 'sources/acme_native-1.0');
  writeAll(source, {
    'PKG-INFO': 'Metadata-Version: 2.2\nName: acme-native\nVersion: 1.0\n',
    'pyproject.toml':
      '[build-system]\nrequires = ["setuptools==80.9.0"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "acme-native"\nversion = "1.0"\n',
    'setup.py':
      'from setuptools import Extension, setup\nsetup(ext_modules=[Extension("acme_native", ["acme_native.c"])])\n',
    'acme_native.c': `#include <Python.h>
      static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
      static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, "Answers."}, {NULL, NULL, 0, NULL}};
      static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "acme_native", NULL, -1, methods};
      PyMODINIT_FUNC PyInit_acme_native(void) { return PyModule_Create(&module); }`,
  });
  const sources = path.dirname(source);
  run('tar', ['-C', sources, '-czf', path.join(workspace, 'wheels/acme_native-1.0.tar.gz'), path.basename(source)]);
  fs.rmSync(sources, { recursive: true });
  edit(path.join(workspace, 'packages/app/pyproject.toml'), '"acme-greeting"', '"acme-greeting", "acme-native"');
  write(
    path.join(workspace, 'packages/app/src/app/native.py'),
    'from acme_native import answer\n\ndef handler(event, context):\n    return answer()\n',
  );
  return lock(workspace, settings);
}
