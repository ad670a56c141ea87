// How the add-on of each platform is built, on each system that may build it.

import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ADD_ONS, recipe } from '../scripts/native/add-ons.mjs';
import { root } from './support/tools.mjs';

/** The linker for each platform that a system builds. */
function linkers(machine) {
  const recipes = Object.keys(ADD_ONS).map((platform) => [platform, recipe(platform, machine)]);
  return Object.fromEntries(recipes.filter(([, how]) => how !== undefined).map(([name, { linker }]) => [name, linker]));
}

test('Linux builds the add-ons of all platforms', () => {
  assert.deepEqual(linkers('linux'), {
    'linux-x64-gnu': 'zig',
    'linux-arm64-gnu': 'zig',
    'linux-x64-musl': 'zig',
    'linux-arm64-musl': 'zig',
    'darwin-x64': 'zig',
    'darwin-arm64': 'zig',
    'win32-x64-msvc': 'mingw',
  });
});

test('macOS and Windows build their own add-ons, with cargo alone', () => {
  assert.deepEqual(linkers('darwin'), { 'darwin-x64': 'native', 'darwin-arm64': 'native' });
  assert.deepEqual(linkers('win32'), { 'win32-x64-msvc': 'native' });
});

test('Windows builds for the ABI of Microsoft, with the C library inside', () => {
  const { target, flags } = recipe('win32-x64-msvc', 'win32');
  assert.equal(target, 'x86_64-pc-windows-msvc');
  assert.deepEqual(flags, ['-Ctarget-feature=+crt-static']);
  assert.equal(recipe('win32-x64-msvc', 'linux').target, 'x86_64-pc-windows-gnu');
});

test('the platforms are those of the manifest', () => {
  const { napi } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  assert.deepEqual(Object.values(ADD_ONS).toSorted(), napi.targets.toSorted());
});
