// The packages that a bundle has are those of `uv export`: many random workspaces, real packages, a thousand packages.

import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, writeAll } from './support/files.mjs';
import { randomChoices } from './support/generated-projects.mjs';
import { compareReach } from './support/reach.mjs';
import { interpreter } from './support/toolchain.mjs';
import { writeWheel } from './support/wheels.mjs';
import { FIXTURE, INDEX_DAY, copyExample, lock, manifest } from './support/workspaces.mjs';

test('in 40 random workspaces', (t) => {
  const { compared, differences } = compareReach(randomChoices(t, { from: 1, to: 40 }));
  t.diagnostic(`${compared} bundles`);
  assert.deepEqual(differences.slice(0, 5), []);
});

/** Sets of real packages, with extras that bring many others, and with wheels and markers for few platforms. */
const REAL = [
  ['pandas[all]', 'scikit-learn'],
  ['boto3', 'aws-lambda-powertools[all]'],
  ['fastapi[all]', 'uvicorn[standard]', 'mangum'],
  ['apache-airflow-core'],
  ['jupyterlab', 'notebook'],
  ['dask[complete]', 'distributed'],
  ['sqlalchemy[asyncio,postgresql,mysql]', 'alembic'],
  ['langchain', 'langchain-aws', 'openai'],
  ['sentry-sdk[fastapi,sqlalchemy,celery]', 'celery[redis]'],
  ['opentelemetry-distro[otlp]', 'opentelemetry-instrumentation-botocore'],
  ['pydantic[email]', 'pydantic-settings[aws-secrets-manager]', 'typer'],
  ['black[jupyter,d]', 'mypy', 'pytest', 'tox'],
  ['polars[all]'],
  ['django[argon2]', 'djangorestframework', 'psycopg[binary,pool]'],
  ['torch', 'transformers', 'tokenizers'],
  ['aws-cdk-lib', 'constructs', 'jsii'],
];

test('in projects of real packages', async (t) => {
  const choices = REAL.map((dependencies) => {
    const folder = temporaryFolder(t);
    const group = '[dependency-groups]\nchecks = ["pytest", "ruff; python_version >= \'3.12\'"]\n';
    const index = `[tool.uv]\nexclude-newer = "${INDEX_DAY}"\n`;
    writeAll(folder, { 'pyproject.toml': manifest('app', dependencies, `${group}\n${index}`, '>=3.10') });
    return { folder: lock(folder, { python: interpreter }), member: 'app' };
  });
  const all = choices.flatMap((choice) => [choice, { ...choice, groups: ['checks'] }]);
  const { compared, differences } = compareReach(all);
  t.diagnostic(`${compared} bundles`);
  assert.deepEqual(differences.slice(0, 5), []);
});

test('in the workspaces of this project', (t) => {
  const example = path.join(temporaryFolder(t), 'example');
  copyExample('examples-ts', example);
  lock(example, { python: interpreter });
  const { differences } = compareReach([
    ...['demo-lambda1', 'demo-lambda2', 'demo-common'].map((member) => ({ folder: example, member })),
    ...['app', 'library', 'other'].map((member) => ({ folder: FIXTURE, member })),
  ]);
  assert.deepEqual(differences.slice(0, 5), []);
});

test('in a lock of a thousand packages', (t) => {
  const folder = temporaryFolder(t);
  const names = Array.from({ length: 1000 }, (_, number) => `wheel-${number}`);
  names.forEach((name, number) => {
    const requires = [2 * number + 1, 2 * number + 2]
      .filter((other) => other < names.length)
      .map((other) => names[other]);
    writeWheel(path.join(folder, 'wheels'), name, { [`${name.replace('-', '_')}.py`]: '' }, { requires });
  });
  const index = '[[tool.uv.index]]\nname = "wheels"\nurl = "wheels"\nformat = "flat"\ndefault = true\n';
  writeAll(folder, { 'pyproject.toml': manifest('app', [names[0]], index) });
  const choice = { folder: lock(folder, { python: interpreter }), member: 'app' };
  const { differences, reached } = compareReach([choice]);
  assert.deepEqual(differences.slice(0, 5), []);
  assert.equal(reached({ ...choice, version: '3.13', architecture: 'arm64' }).length, 1000);
});
