// Verify: a workspace whose two builds have the same bytes, and one whose builds differ.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { bundleSync, verify, verifySync } from '../index.js';
import { appFlags, cli } from './support/command-line.mjs';
import { temporaryFolder } from './support/files.mjs';
import { options } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';

/** The fixture, with a build of `library` that writes the value of `expression` into `library/build.txt`. */
function planted(test, expression) {
  const workspace = fixture(test);
  const library = path.join(workspace, 'packages/library');
  fs.appendFileSync(path.join(library, 'pyproject.toml'), '\n[tool.hatch.build.hooks.custom]\n');
  fs.writeFileSync(
    path.join(library, 'hatch_build.py'),
    `import os, secrets, time
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        path = os.path.join(self.root, "build.txt")
        with open(path, "w") as file:
            file.write("built " + str(${expression}))
        build_data["force_include"][path] = "library/build.txt"
`,
  );
  return workspace;
}

test('a bundle that has the same bytes each time', async (t) => {
  const workspace = fixture(t);
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 5);
  const verification = await verify(options(workspace));
  clearInterval(ticking);
  assert.ok(ticks > 10, `the event loop turned ${ticks} times`);
  const { sha256, zipBytes, files, python } = bundleSync(options(workspace), temporaryFolder(t));
  const { seconds, ...others } = verification;
  assert.ok(seconds > 2);
  assert.deepEqual(others, {
    same: true,
    sha256,
    secondSha256: sha256,
    zipBytes,
    files,
    python,
    coldCache: true,
    differingFiles: [],
  });
});

test('a build that writes the time: the file and the byte are named, on the command line too', (t) => {
  const workspace = planted(t, 'int(time.time())');
  const { status, stdout, stderr } = cli(['verify', '--json', '--warm-only', ...appFlags(workspace)]);
  assert.deepEqual([status, stderr], [1, '']);
  const { same, difference, differingFiles, sha256, secondSha256, coldCache, coldCacheReason } = JSON.parse(stdout);
  assert.equal(same, false);
  assert.notEqual(sha256, secondSha256);
  assert.deepEqual([coldCache, coldCacheReason], [false, 'not tried, as asked']);
  assert.deepEqual(differingFiles, ['library-1.0.dist-info/RECORD', 'library/build.txt']);
  const { kind, entry, offset, first, second, message } = difference;
  assert.deepEqual([kind, entry], ['contents', 'library/build.txt']);
  // The digits of the seconds since 1970, of which the first ones are the same for decades.
  assert.ok(offset >= 'built 1'.length && offset < 'built 1234567890'.length, `${offset}`);
  assert.ok(first !== second && first >= 0x30 && second <= 0x39);
  const digit = (byte) => `0x${byte.toString(16)} (\`${String.fromCharCode(byte)}\`)`;
  assert.equal(
    message,
    `\`library/build.txt\` differs at byte ${offset}: ${digit(first)} in the first, ${digit(second)} in the second`,
  );
});

test('a build that writes where it is: said to people; no network is used where uv may not', (t) => {
  const workspace = planted(t, '"deep" if "another" in self.root else "flat, and longer"');
  const { status, stdout, stderr } = cli(['verify', ...appFlags(workspace)], {
    env: { ...process.env, UV_OFFLINE: '1' },
  });
  assert.deepEqual([status, stderr], [1, '']);
  const lines = stdout.split('\n');
  assert.deepEqual(lines.slice(0, 3), [
    'differs: `library/build.txt` differs at byte 6: 0x66 (`f`) in the first, 0x64 (`d`) in the second',
    '  and 1 file more:',
    '    library-1.0.dist-info/RECORD',
  ]);
  assert.ok(
    lines.includes('  empty cache not tried: `UV_OFFLINE` is set, and an empty cache needs the network'),
    stdout,
  );
});

test('wrong settings are an error', async (t) => {
  const workspace = fixture(t);
  assert.throws(() => verifySync(options(workspace), { coldcache: false }), {
    code: 'INVALID_OPTIONS',
    message: /unknown option `coldcache` \(did you mean `coldCache`\?\)/,
  });
  assert.throws(() => verifySync(options(workspace), { coldCache: 'no' }), { code: 'INVALID_OPTIONS' });
  await assert.rejects(verify({ ...options(workspace), architectur: 'arm64' }), { code: 'INVALID_OPTIONS' });
});
