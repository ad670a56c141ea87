// A runtime that AWS no longer supports is a warning.

import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleSync } from '../index.js';
import { temporaryFolder } from './support/files.mjs';
import { options, uv } from './support/toolchain.mjs';
import { findPython } from './support/tools.mjs';
import { fixture } from './support/workspaces.mjs';

// AWS has not supported Python 3.9 since 2025.
const python = findPython('3.9', uv);

/** The warnings about the runtime. */
const aboutRuntime = ({ warnings }) => warnings.filter(({ code }) => code.startsWith('RUNTIME_'));

test(
  'a deprecated runtime is a warning, also where nothing changed since the last build',
  { skip: !python && 'this machine has no CPython 3.9' },
  (t) => {
    const folder = fixture(t);
    const settings = { runtime: 'python3.9', python, cache: true };
    for (const reused of [false, true]) {
      const bundle = bundleSync(options(folder, settings), temporaryFolder(t));
      assert.equal(bundle.reused, reused);
      const [{ code, message }, ...others] = aboutRuntime(bundle);
      assert.deepEqual(others, []);
      assert.match(code, /^RUNTIME_(DEPRECATED|BLOCKED)$/);
      assert.match(message, /`python3\.9` is (deprecated|blocked): .* Choose a newer runtime\. /);
    }
  },
);
