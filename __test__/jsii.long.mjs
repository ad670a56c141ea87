// The reference of the constructs is fresh. Its examples are compiled where the Python package is built.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from './support/files.mjs';
import { runJsii } from './support/jsii.mjs';
import { root } from './support/tools.mjs';

test('API.md is what the constructs say: else run `npm run build:api-docs`', (t) => {
  const fresh = path.join(temporaryFolder(t), 'API.md');
  runJsii('jsii-docgen', ['--output', fresh]);
  assert.ok(fs.readFileSync(fresh).equals(fs.readFileSync(path.join(root, 'API.md'))));
});
