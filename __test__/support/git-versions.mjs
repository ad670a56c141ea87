// Packages whose versions a build backend computes from the history of git.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { bundleSync } from '../../index.js';
import { snapshot, temporaryFolder, write } from './files.mjs';
import { options } from './toolchain.mjs';
import { run } from './tools.mjs';
import { fixture, lock } from './workspaces.mjs';

const BACKENDS = {
  'hatch-vcs':
    '[build-system]\nrequires = ["hatchling==1.27.0", "hatch-vcs==0.5.0"]\nbuild-backend = "hatchling.build"\n[tool.hatch.version]\nsource = "vcs"\nraw-options = { root = "../.." }\n',
  'setuptools-scm':
    '[build-system]\nrequires = ["setuptools==80.9.0", "setuptools-scm==9.2.0"]\nbuild-backend = "setuptools.build_meta"\n[tool.setuptools_scm]\nroot = "../.."\n',
  'uv-dynamic-versioning':
    '[build-system]\nrequires = ["hatchling==1.27.0", "uv-dynamic-versioning==0.11.2"]\nbuild-backend = "hatchling.build"\n[tool.hatch.version]\nsource = "uv-dynamic-versioning"\n',
};

/** The fixture in a repository tagged v2.5, with a library whose version a backend computes from the tag. */
function tagged(t, settings) {
  const workspace = fixture(t);
  write(
    path.join(workspace, 'packages/library/pyproject.toml'),
    `[project]\nname = "library"\ndynamic = ["version"]\nrequires-python = ">=3.9"\n${settings}`,
  );
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
  const git = (...args) => run('git', [...identity, ...args], { cwd: workspace });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'one');
  // uv asks the backend for the version, so it locks inside the repository.
  lock(workspace);
  git('commit', '--quiet', '--all', '--amend', '--no-edit');
  git('tag', 'v2.5');
  return workspace;
}

/** Bundles a library whose version a backend takes from git, and checks the versions that come out. */
export function checkVersionFromGit(t, backend) {
  const workspace = tagged(t, BACKENDS[backend]);
  const before = snapshot(workspace);
  const version = () => {
    const { packages } = bundleSync(options(workspace), temporaryFolder(t));
    return packages.find(({ name }) => name === 'library').version;
  };
  assert.equal(version(), '2.5');
  assert.ok(isDeepStrictEqual(snapshot(workspace), before));

  // A change elsewhere in the repository does not concern this package; a change in it does.
  fs.appendFileSync(path.join(workspace, 'packages/other/src/other/__init__.py'), '# changed\n');
  assert.equal(version(), '2.5');
  if (backend !== 'uv-dynamic-versioning') {
    fs.appendFileSync(path.join(workspace, 'packages/library/src/library/__init__.py'), '# changed\n');
    assert.match(version(), /^2\.6\.dev0\+/);
  }
}
