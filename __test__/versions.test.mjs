// The version of a release: all files name the same, and a tag of another version is refused.

import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { section, versions, wrongTag } from '../scripts/release/versions.mjs';

const CHANGELOG = `# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Added

- Something.

## [0.1.0]

First.
`;

test('all files name the same version', () => {
  const found = versions();
  assert.match(found['package.json'], /^\d+\.\d+\.\d+(-[\w.]+)?$/);
  for (const [file, version] of Object.entries(found)) {
    assert.equal(version, found['package.json'], file);
  }
});

test('the section of a version is found, with its date', () => {
  assert.deepEqual(section(CHANGELOG, '0.2.0'), { date: '2026-12-01', text: '### Added\n\n- Something.' });
  assert.deepEqual(section(CHANGELOG, '0.1.0'), { date: undefined, text: 'First.' });
  assert.equal(section(CHANGELOG, '0.3.0'), undefined);
});

test('a tag fits its version and a dated section of the changelog', () => {
  assert.deepEqual(wrongTag('v0.2.0', '0.2.0', CHANGELOG), []);
  assert.equal(wrongTag('v0.2.1', '0.2.0', CHANGELOG).length, 1);
  assert.equal(wrongTag('v0.1.0', '0.1.0', CHANGELOG).length, 1);
  assert.equal(wrongTag('v0.2.1', '0.3.0', CHANGELOG).length, 2);
});
