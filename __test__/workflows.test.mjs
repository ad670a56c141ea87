// The workflows on GitHub, as far as they can be read here. `scripts/check-workflows.mjs` checks their form.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ADD_ONS, EXECUTABLES, executableRecipe, recipe } from '../scripts/native/add-ons.mjs';
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

/** Which runner builds what, by the jobs of a release whose matrix has this key: `[[runner, name]]`. */
function built(key) {
  const builds = [...read('release.yml').matchAll(new RegExp(`\\{ os: ([\\w.-]+), ${key}: (.*) \\}`, 'g'))];
  return builds.flatMap(([, runner, names]) => names.split(' ').map((name) => [runner, name]));
}

for (const [what, key, known, recipeFor] of [
  ['the add-on of every platform', 'platforms', ADD_ONS, recipe],
  ['every executable', 'executables', EXECUTABLES, executableRecipe],
]) {
  test(`a release builds ${what} once, on a machine that can`, () => {
    const builds = built(key);
    assert.deepEqual(builds.map(([, name]) => name).toSorted(), Object.keys(known).toSorted());
    for (const [runner, name] of builds) {
      assert.notEqual(recipeFor(name, systemOf(runner)), undefined, `${name} on ${runner}`);
    }
  });
}

test('a release builds for macOS and Windows on these systems, with their own libraries', () => {
  for (const [runner, name] of [...built('platforms'), ...built('executables')]) {
    const [system] = (EXECUTABLES[name] ?? name).split('-');
    assert.equal(systemOf(runner), system, name);
  }
});

test('a release is packed only if it has every executable', () => {
  assert.match(read('release.yml'), /run: npm run release:pack -- --complete$/m);
});

test('a release tries the packages of every platform but the one that says why', () => {
  const text = read('release.yml');
  const tried = new Set([...text.matchAll(/\{ platform: ([\w-]+), os:/g)].map(([, platform]) => platform));
  const untried = Object.keys(ADD_ONS).filter((platform) => !tried.has(platform));
  assert.deepEqual(untried, ['linux-arm64-musl']);
  assert.match(text, /# `linux-arm64-musl` is not here: /);
});
