// What jsii makes of the constructs: the reference, and the examples in it.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { PACKAGE, runJsii } from '../scripts/compile-constructs.mjs';
import { temporaryFolder } from './support/files.mjs';
import { root } from './support/tools.mjs';

test('API.md is what the constructs say: else run `npm run build:api-docs`', (t) => {
  const fresh = path.join(temporaryFolder(t), 'API.md');
  runJsii('jsii-docgen', ['--output', fresh]);
  assert.ok(fs.readFileSync(fresh).equals(fs.readFileSync(path.join(root, 'API.md'))));
});

test('every example in the reference compiles', (t) => {
  const file = path.join(PACKAGE, '.jsii');
  const assembly = fs.readFileSync(file, 'utf8');
  t.after(() => fs.writeFileSync(file, assembly));
  // The snippets of the README import what they need, and another test compiles them.
  fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(assembly), readme: undefined }));
  runJsii('jsii-rosetta', ['extract', '--fail', '--compile', '.']);
});
