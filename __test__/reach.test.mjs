// The packages that a bundle has are those of `uv export`, for every runtime and CPU.

import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, write, writeAll } from './support/files.mjs';
import { randomChoices } from './support/generated-projects.mjs';
import { compareReach } from './support/reach.mjs';
import { interpreter } from './support/toolchain.mjs';
import { UV_VERSION, ensureUv } from './support/tools.mjs';
import { writeWheel } from './support/wheels.mjs';
import { lock, manifest } from './support/workspaces.mjs';

test('in random workspaces', (t) => {
  const { compared, differences } = compareReach(randomChoices(t, { from: 1, to: 12 }));
  assert.deepEqual(differences.slice(0, 5), []);
  assert.ok(compared > 500, `only ${compared} bundles were compared`);
});

/** A workspace with what people write: members that are libraries too, extras of members, sources by marker, groups in groups. */
function workspace(t) {
  const folder = temporaryFolder(t);
  for (const [index, version] of [
    ['first', '1.0'],
    ['second', '2.0'],
  ]) {
    writeWheel(path.join(folder, index), 'both', { 'both.py': '' }, { version });
  }
  for (const name of ['torch', 'web', 'ui', 'tool', 'check', 'newer']) {
    const metadata = name === 'web' ? ['Provides-Extra: ui'] : [];
    const requires = name === 'web' ? ["ui ; extra == 'ui'", "tool ; sys_platform == 'win32'"] : [];
    writeWheel(path.join(folder, 'first'), name, { [`${name}.py`]: '' }, { metadata, requires });
  }
  write(
    path.join(folder, 'pyproject.toml'),
    manifest(
      'workspace',
      [],
      `[tool.uv]
package = false
override-dependencies = ["torch==1.0"]
constraint-dependencies = ["web<2"]

[tool.uv.workspace]
members = ["packages/*"]

[[tool.uv.index]]
name = "first"
url = "first"
format = "flat"
default = true

[[tool.uv.index]]
name = "second"
url = "second"
format = "flat"
explicit = true
`,
    ),
  );
  const library = `[project.optional-dependencies]
full = ["web[ui]", "library[small]"]
small = ["tool"]

[dependency-groups]
dev = ["check"]

[tool.uv.sources]
both = [
  { index = "first", marker = "platform_machine == 'x86_64'" },
  { index = "second", marker = "platform_machine != 'x86_64'" },
]
`;
  const app = `[dependency-groups]
dev = ["check"]
base = ["web"]
production = [{ include-group = "base" }, "newer"]

[tool.uv]
default-groups = ["base"]

[tool.uv.dependency-groups]
production = { requires-python = ">=3.12" }

[tool.uv.sources]
library = { workspace = true }
`;
  writeAll(path.join(folder, 'packages'), {
    'library/pyproject.toml': manifest('library', ['both'], library),
    'library/library.py': '',
    'app/pyproject.toml': manifest('app', ["library[full]; python_full_version >= '3.11'", 'torch<1'], app),
    'app/app.py': '',
  });
  return folder;
}

for (const version of ['0.8.0', UV_VERSION]) {
  test(`in a workspace as people have them, locked by uv ${version}`, (t) => {
    const folder = lock(workspace(t), { uv: ensureUv(version), python: interpreter });
    const choices = [
      { member: 'library' },
      { member: 'library', extras: ['full'], groups: ['dev'] },
      { member: 'app' },
      { member: 'app', groups: ['production'] },
      { member: 'app', groups: ['base', 'dev'] },
    ].map((choice) => ({ folder, ...choice }));
    const { differences, reached } = compareReach(choices);
    assert.deepEqual(differences.slice(0, 5), []);
    assert.deepEqual(reached({ ...choices[2], version: '3.13', architecture: 'arm64' }), [
      'both==2.0',
      'library',
      'tool==1.0',
      'torch==1.0',
      'ui==1.0',
      'web==1.0',
    ]);
  });
}
