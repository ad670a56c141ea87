// Runs Node tests, and fails if a test is skipped that is not on the list of allowed skips.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../__test__/support/tools.mjs';

/** The tests that may be skipped, with patterns of the allowed reasons: `{ name: [pattern, ...] }`. */
const ALLOWED = JSON.parse(readFileSync(path.join(root, '__test__/allowed-skips.json'), 'utf8'));

/**
 * Runs test files, whose paths are relative to the root, and shows their output. Throws if a test fails, or is skipped for
 * a reason that is not on the list.
 */
export function runNodeTests(files, flags = []) {
  const folder = mkdtempSync(path.join(tmpdir(), 'node-tests-'));
  try {
    const report = path.join(folder, 'report.tap');
    const reporters = [
      '--test-reporter=tap',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${report}`,
    ];
    const { status } = spawnSync(process.execPath, ['--test', ...reporters, ...flags, ...files], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) {
      throw new Error('a Node test failed');
    }
    const unexpected = skipped(readFileSync(report, 'utf8')).filter(
      ({ name, reason }) => !(ALLOWED[name] ?? []).some((pattern) => new RegExp(pattern).test(reason)),
    );
    if (unexpected.length > 0) {
      const lines = unexpected.map(({ name, reason }) => `  ${name}: ${reason || 'no reason'}`);
      throw new Error(`skipped, and not in __test__/allowed-skips.json:\n${lines.join('\n')}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The skipped tests in a report in the TAP format. */
function skipped(report) {
  return [...report.matchAll(/^ *ok \d+ - (.*?) # SKIP ?(.*)$/gm)].map(([, name, reason]) => ({ name, reason }));
}
