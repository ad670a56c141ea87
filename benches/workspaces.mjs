// The uv workspaces of the cases: five functions of very different sizes, and a hundred and a thousand that share their
// dependencies. Each function uses the library of the workspace.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { write } from '../__test__/support/files.mjs';
import { run } from '../__test__/support/tools.mjs';
import { lock } from '../__test__/support/workspaces.mjs';

/** The day whose index is locked, so that a run of next year measures the same packages. */
const DAY = '2026-09-01T00:00:00Z';

/** The library of the workspace that every function uses. */
const SHARED = 'shared-library';

const FIVE = [
  { name: 'orjson-function', dependencies: ['orjson'], imports: ['import orjson'] },
  {
    name: 'clients-function',
    dependencies: ['requests', 'httpx', 'boto3'],
    imports: ['import boto3', 'import httpx', 'import requests'],
  },
  {
    name: 'fastapi-function',
    dependencies: ['fastapi', 'mangum', 'pydantic', 'orjson'],
    imports: ['import fastapi', 'import mangum', 'import orjson', 'import pydantic'],
  },
  {
    name: 'pandas-function',
    dependencies: ['pandas', 'numpy', 'pyarrow'],
    imports: ['import numpy', 'import pandas', 'import pyarrow'],
  },
  {
    name: 'scikit-learn-function',
    dependencies: ['scikit-learn', 'numpy'],
    imports: ['import numpy', 'import sklearn.linear_model'],
  },
];

/** The dependencies of ten functions of the hundred; the next ten have the same, and so on. */
const KINDS = [
  ['boto3', 'pydantic'],
  ['boto3', 'requests'],
  ['boto3', 'pydantic', 'requests'],
  ['boto3'],
  ['fastapi', 'mangum', 'pydantic'],
  ['boto3', 'fastapi', 'mangum', 'pydantic'],
  ['boto3', 'httpx', 'pydantic'],
  ['boto3', 'orjson'],
  ['requests'],
  ['boto3', 'pydantic', 'requests', 'orjson'],
];

/** Functions of the ten kinds, in turns. */
function functionsOfKinds(count) {
  return Array.from({ length: count }, (_, index) => {
    const dependencies = KINDS[index % KINDS.length];
    return {
      name: `function-${String(index + 1).padStart(String(count).length, '0')}`,
      dependencies,
      imports: dependencies.map((name) => `import ${name}`),
    };
  });
}

/** The names of the functions with the most and with the least code, which have limits of their own. */
export const LARGEST = 'pandas-function';
export const SMALLEST = 'orjson-function';

/** The number of functions, from the first on, that have each kind once. */
export const KINDS_OF_HUNDRED = KINDS.length;

const moduleName = (name) => name.replaceAll('-', '_');

/** The `[build-system]` table that `uv init --package` of this uv writes. */
function buildSystem(uv) {
  const [version, major, minor] = run(uv, ['--version']).match(/(\d+)\.(\d+)\.\d+/);
  const limit = `${major}.${Number(minor) + 1}.0`;
  return `[build-system]\nrequires = ["uv_build>=${version},<${limit}"]\nbuild-backend = "uv_build"\n`;
}

function member(folder, { name, dependencies, files }, tools) {
  const sources = dependencies.includes(SHARED) ? `[tool.uv.sources]\n${SHARED} = { workspace = true }\n\n` : '';
  write(
    path.join(folder, 'packages', name, 'pyproject.toml'),
    `[project]
name = "${name}"
version = "0.1.0"
requires-python = ">=${tools.pythonVersion}"
dependencies = ${JSON.stringify(dependencies)}

${sources}${buildSystem(tools.uv)}`,
  );
  for (const [file, text] of Object.entries(files)) {
    write(path.join(folder, 'packages', name, 'src', moduleName(name), file), text);
  }
}

const SHARED_FILES = {
  '__init__.py': `from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """What every function of this workspace is called with."""

    name: str
    attempt: int = 1


def parse(event):
    return Event(name=event.get("name", "nobody"), attempt=event.get("attempt", 1))
`,
};

const handlerFile = (imports) => `${imports.join('\n')}
from ${moduleName(SHARED)} import parse

REVISION = 0


def handle(event, context):
    return {"name": parse(event).name, "revision": REVISION}
`;

/** Makes and locks a workspace with these functions. The folder is a git repository, as usual. */
function create(folder, functions, tools) {
  fs.rmSync(folder, { recursive: true, force: true });
  write(
    path.join(folder, 'pyproject.toml'),
    `[tool.uv]\nexclude-newer = "${DAY}"\n\n[tool.uv.workspace]\nmembers = ["packages/*"]\n`,
  );
  write(path.join(folder, '.gitignore'), '.venv\n__pycache__\n/build\n/dist\n');
  member(folder, { name: SHARED, dependencies: [], files: SHARED_FILES }, tools);
  for (const { name, dependencies, imports } of functions) {
    const files = { '__init__.py': '', 'main.py': handlerFile(imports) };
    member(folder, { name, dependencies: [...dependencies, SHARED], files }, tools);
  }
  run('git', ['init', '--quiet'], { cwd: folder });
  lock(folder, { uv: tools.uv, python: tools.python, env: tools.environment });
  return {
    folder,
    functions: functions.map(({ name }) => ({
      name,
      handler: `${moduleName(name)}.main.handle`,
      module: `${moduleName(name)}.main`,
    })),
  };
}

/** The workspace of five functions. */
export const createFive = (folder, tools) => create(folder, FIVE, tools);

/** The workspace of a hundred functions. */
export const createHundred = (folder, tools) => create(folder, functionsOfKinds(100), tools);

/** The workspace of a thousand functions. */
export const createThousand = (folder, tools) => create(folder, functionsOfKinds(1000), tools);

/**
 * Changes one line of a function's code.
 *
 * @returns the new text of that line, which is in no earlier bundle
 */
export function changeLine({ folder }, name) {
  const file = path.join(folder, 'packages', name, 'src', moduleName(name), 'main.py');
  const line = `REVISION = ${Date.now()}`;
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/^REVISION = .*$/m, line));
  return line;
}

/** The number of files in the folder of a function and in that of the library that it uses. */
export function countFiles({ folder }, name) {
  const files = (member) =>
    fs
      .readdirSync(path.join(folder, 'packages', member), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile());
  return [name, SHARED].flatMap(files).length;
}

/** The path of the changed file in the zip of a function. */
export const changedFile = (name) => `${moduleName(name)}/main.py`;
