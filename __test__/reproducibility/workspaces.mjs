// The workspaces that are bundled.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { write } from '../support/files.mjs';
import { root } from '../support/tools.mjs';
import { FIXTURE, HATCHLING, fromWorkspace, lock as lockWith, writeMember } from '../support/workspaces.mjs';

const lock = (folder, { uv, python, cache }) => lockWith(folder, { uv, python, env: { UV_CACHE_DIR: cache } });

/** A member of a workspace: its manifest and its files. */
function member(folder, name, dependencies, files) {
  const sources = dependencies.includes('shared') ? fromWorkspace('shared') : '';
  writeMember(folder, name, { dependencies, files, others: `${sources}${HATCHLING}`, requiresPython: '>=3.10' });
}

/**
 * The workspaces: `create` makes a locked one at a path, and `packageName` is the member to bundle, with `hooks` if
 * it needs them. `imports` are the modules that the function of a big workspace imports.
 */
export const WORKSPACES = {
  fixture: {
    title: 'tests/fixtures/workspace: two packages and a wheel',
    packageName: 'app',
    create(folder) {
      fs.cpSync(FIXTURE, folder, { recursive: true });
    },
  },
  example: {
    title: 'examples-ts: a small library, pydantic',
    packageName: 'demo-lambda2',
    create(folder, tools) {
      for (const part of ['pyproject.toml', 'packages']) {
        fs.cpSync(path.join(root, 'examples-ts', part), path.join(folder, part), { recursive: true });
      }
      lock(folder, tools);
    },
  },
  big: {
    title: 'pydantic, boto3, fastapi, numpy, pandas, orjson and a shared library',
    packageName: 'service',
    imports: ['boto3', 'fastapi', 'numpy', 'orjson', 'pandas', 'pydantic', 'service'],
    create: createBig,
  },
  learning: {
    title: 'numpy, scikit-learn with scipy, and a shared library',
    packageName: 'learning',
    // With the tests of scipy, scikit-learn is larger than Lambda allows.
    hooks: { beforeZip: ['rm -r scipy/*/tests scipy/*/*/tests'] },
    imports: ['numpy', 'scipy.linalg', 'sklearn.linear_model', 'learning'],
    create: createBig,
  },
};

/** One lock, two functions: in one function, the packages would be larger than the 250 MB of Lambda. */
function createBig(folder, tools) {
  write(
    path.join(folder, 'pyproject.toml'),
    `[project]
name = "big"
version = "0"
requires-python = ">=3.10"
dependencies = []

[tool.uv]
package = false
exclude-newer = "2026-09-01T00:00:00Z"
# The last ones whose wheels run on the glibc of Lambda's Python 3.10 and 3.11, so that one lock serves all Pythons.
constraint-dependencies = ["numpy<2.3", "pandas<2.3", "scipy<1.16", "scikit-learn<1.7"]

[tool.uv.workspace]
members = ["packages/*"]
`,
  );
  const handler = {
    '__init__.py': 'from shared import WORDS, Price\n\n\ndef handler(event, context):\n    return event in WORDS\n',
  };
  member(folder, 'service', ['boto3', 'fastapi', 'numpy', 'orjson', 'pandas', 'pydantic', 'shared'], handler);
  member(folder, 'learning', ['numpy', 'scikit-learn', 'shared'], handler);
  member(folder, 'shared', [], {
    // A constant set, and names in another script: bytecode can write both in several ways.
    '__init__.py': [
      'from dataclasses import dataclass',
      '',
      'WORDS = {"one", "two", "three"} | {"größe", "値段"}',
      '',
      '',
      '@dataclass(frozen=True)',
      'class Price:',
      '    """An amount of money."""',
      '',
      '    amount: int',
      '    currency: str = "EUR"',
      '',
      '    def is_known(self):',
      '        return self.currency in {"EUR", "USD", "CHF", "JPY"}',
      '',
    ].join('\n'),
    'data.json': '{"largest": 12}\n',
    'py.typed': '',
  });
  lock(folder, tools);
}
