// The workflows on GitHub, as far as they can be read here. `scripts/check-workflows.mjs` checks their form.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ADD_ONS, recipe } from '../scripts/native/add-ons.mjs';
import { root } from './support/tools.mjs';

const folder = path.join(root, '.github/workflows');
const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');

/** The system of a runner, as in `process.platform`. */
function systemOf(runner) {
  return { macos: 'darwin', ubuntu: 'linux', windows: 'win32' }[runner.split('-')[0]];
}

test('every action is pinned to a commit', () => {
  for (const name of fs.readdirSync(folder)) {
    for (const [, action] of read(name).matchAll(/uses: (.*)/g)) {
      assert.match(action, /^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
    }
  }
});

test('a release builds the add-on of every platform once, on a machine that can', () => {
  const builds = [...read('release.yml').matchAll(/\{ os: ([\w.-]+), platforms: (.*) \}/g)];
  const platforms = builds.flatMap(([, , names]) => names.split(' '));
  assert.deepEqual(platforms.toSorted(), Object.keys(ADD_ONS).toSorted());
  for (const [, runner, names] of builds) {
    for (const platform of names.split(' ')) {
      assert.notEqual(recipe(platform, systemOf(runner)), undefined, `${platform} on ${runner}`);
    }
  }
});

test('a release tries the packages of every platform but the one that says why', () => {
  const text = read('release.yml');
  const tried = new Set([...text.matchAll(/\{ platform: ([\w-]+), os:/g)].map(([, platform]) => platform));
  const untried = Object.keys(ADD_ONS).filter((platform) => !tried.has(platform));
  assert.deepEqual(untried, ['linux-arm64-musl']);
  assert.match(text, /# `linux-arm64-musl` is not here: /);
});
