// Explain: why each file is in a bundle, and why others are left out.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { bundleSync, explain, explainSync } from '../index.js';
import { appFlags, cli } from './support/command-line.mjs';
import { temporaryFolder } from './support/files.mjs';
import { bytecodeOf, options } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';
import { zipNames } from './support/zips.mjs';

test('every file of a bundle has exactly one reason', async (t) => {
  const bundleOptions = options(fixture(t));
  const { zipPath: zip, unzippedBytes } = bundleSync(bundleOptions, temporaryFolder(t));
  const explanation = explainSync(bundleOptions);
  const files = explanation.packages.flatMap((each) => each.files);
  assert.deepEqual(files.map((file) => file.path).sort(), zipNames(zip).sort());
  assert.equal(
    explanation.packages.reduce((sum, { bytes }) => sum + bytes, 0),
    unzippedBytes,
  );
  assert.deepEqual(
    explanation.packages.map(({ name, reason }) => [name, reason]),
    [
      ['acme-greeting', 'app -> acme-greeting'],
      ['app', 'the package that is bundled'],
      ['library', 'app -> library'],
    ],
  );
  const kinds = Object.fromEntries(files.map((file) => [file.path, file.kind]));
  assert.equal(kinds['app/main.py'], 'content');
  assert.equal(kinds['app-1.0.dist-info/METADATA'], 'metadata');
  assert.equal(kinds[bytecodeOf('app', 'main')], 'bytecode');
  assert.deepEqual(await explain(bundleOptions), explanation);
});

test('what is left out has its reason', (t) => {
  const workspace = fixture(t);
  fs.writeFileSync(path.join(workspace, 'packages/app/src/app/notes.md'), '');
  const { leftOut } = explainSync(options(workspace, { exclude: ['*.md'], excludePackages: ['acme-greeting'] }));
  const reason = (name) => leftOut.find((omission) => omission.name === name)?.reason;
  assert.equal(reason('src/app/notes.md'), 'the pattern `*.md` of `exclude`');
  assert.match(reason('acme-greeting'), /^`excludePackages` names it \(app -> acme-greeting\)$/);
  assert.match(reason('acme-dev'), /^it is in the dependency group `dev` \(app\[?.*-> acme-dev\)$/);
  assert.match(reason('pyproject.toml'), /build backend/);
});

test('the command line says the same, to people and to programs', (t) => {
  const workspace = fixture(t);
  const explained = (...flags) => cli(['explain', ...appFlags(workspace), ...flags]).stdout;
  assert.deepEqual(JSON.parse(explained('--json')), explainSync(options(workspace)));
  const text = explained('--files');
  assert.match(text, /^library 1\.0 {2}\d+ files, .*: app -> library$/m);
  assert.match(text, /^ {2}app\/main\.py \(.* B\)$/m);
  assert.match(text, /^left out:$/m);
});
