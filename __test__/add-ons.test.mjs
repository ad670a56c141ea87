// How the add-on of each platform and the executables are built, on each system that may build them.

import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  ADD_ONS,
  CONTAINER_EXECUTABLES,
  EXECUTABLES,
  executableRecipe,
  helperFor,
  recipe,
} from '../scripts/native/add-ons.mjs';
import { root } from './support/tools.mjs';

/** The linker for each platform, or for each executable, that a system builds. */
function linkers(machine, known = ADD_ONS, recipeFor = recipe) {
  const recipes = Object.keys(known).map((name) => [name, recipeFor(name, machine)]);
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

test('Linux builds the executables of all systems but macOS, and every system builds its own and those for Linux', () => {
  const linux = {
    'uv-lambda-cdk-x86_64': 'zig',
    'uv-lambda-cdk-arm64': 'zig',
    'uv-lambda-cdk-remote-cache-linux-x64': 'zig',
    'uv-lambda-cdk-remote-cache-linux-arm64': 'zig',
  };
  const own = {
    linux: { 'uv-lambda-cdk-remote-cache-win32-x64.exe': 'mingw' },
    darwin: {
      'uv-lambda-cdk-remote-cache-darwin-x64': 'native',
      'uv-lambda-cdk-remote-cache-darwin-arm64': 'native',
    },
    win32: { 'uv-lambda-cdk-remote-cache-win32-x64.exe': 'native' },
  };
  for (const [system, others] of Object.entries(own)) {
    assert.deepEqual(linkers(system, EXECUTABLES, executableRecipe), { ...linux, ...others });
  }
  assert.deepEqual(CONTAINER_EXECUTABLES, ['uv-lambda-cdk-x86_64', 'uv-lambda-cdk-arm64']);
});

test('an executable is linked as a program', () => {
  const flags = (name, machine) => executableRecipe(name, machine).flags.join(' ');
  // Static, which is the default for musl.
  assert.equal(flags('uv-lambda-cdk-x86_64', 'linux'), '');
  assert.doesNotMatch(flags('uv-lambda-cdk-remote-cache-darwin-arm64', 'darwin'), /dynamic_lookup|install_name/);
  assert.equal(flags('uv-lambda-cdk-remote-cache-win32-x64.exe', 'win32'), '-Ctarget-feature=+crt-static');
});

test('the executable for a remote cache has the name that the constructs look for', () => {
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']) {
    assert.equal(helperFor(platform), `uv-lambda-cdk-remote-cache-${platform}`);
  }
  assert.equal(helperFor('win32-x64'), 'uv-lambda-cdk-remote-cache-win32-x64.exe');
  const text = readFileSync(path.join(root, 'construct/executables.ts'), 'utf8');
  assert.match(text, /`uv-lambda-cdk-remote-cache-\$\{platform\}\$\{process\.platform === 'win32' \? '\.exe' : ''\}`/);
});

test('the platforms are those of the manifest', () => {
  const { napi } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  assert.deepEqual(Object.values(ADD_ONS).toSorted(), napi.targets.toSorted());
});
