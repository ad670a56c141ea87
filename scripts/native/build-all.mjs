// Builds add-ons into `dist/add-ons`, and looks at each of them. A Debian builds those of all platforms; a Mac and a Windows build
// their own, as the machines of a release do.
//
//   node scripts/native/build-all.mjs [<platform>...]

import * as fs from 'node:fs';
import path from 'node:path';
import { hasProgram, root, run } from '../../__test__/support/tools.mjs';
import { ADD_ONS, OLDEST_GLIBC, OLDEST_MACOS, addOnFile, recipe } from './add-ons.mjs';
import { ADD_ONS_FOLDER, inspectAddOns } from './inspect-add-ons.mjs';
import { rustFlags } from './rust-flags.mjs';
import { addTargets, zigEnvironment } from './zig.mjs';

/** Where cargo builds: a folder of its own, since other flags would compile everything of the checkout anew. */
const TARGET_FOLDER = path.join(root, 'target/add-ons');

/** A folder in which the build of napi finds what it asks for on Windows. Node's functions are looked up when the add-on is loaded. */
function emptyLibnode() {
  const folder = path.join(root, '.tools/libnode');
  fs.mkdirSync(folder, { recursive: true });
  for (const name of ['libnode.dll', 'libnode.dll.a', 'libnode.a', 'node.lib']) {
    fs.writeFileSync(path.join(folder, name), '!<arch>\n');
  }
  return folder;
}

/** How cargo is started for each linker, `{ program, command, suffix, env }`: `suffix` goes to the end of the name of the target. */
const LINKERS = {
  native: () => ({ program: 'cargo', command: 'build', env: process.env }),
  mingw: () => ({ program: 'cargo', command: 'build', env: { ...process.env, LIBNODE_PATH: emptyLibnode() } }),
  zig: (target) => ({
    program: 'cargo-zigbuild',
    command: 'zigbuild',
    suffix: target.endsWith('linux-gnu') ? `.${OLDEST_GLIBC}` : '',
    env: zigEnvironment(),
  }),
};

/** Builds the add-on of a platform, and returns the library that cargo made. */
function build({ target, linker, flags }) {
  const { program, command, suffix = '', env } = LINKERS[linker](target);
  run(program, [command, '--release', '--lib', '--target', `${target}${suffix}`, '--target-dir', TARGET_FOLDER], {
    cwd: root,
    show: true,
    env: {
      ...env,
      MACOSX_DEPLOYMENT_TARGET: OLDEST_MACOS,
      ...rustFlags(flags),
    },
  });
  const names = ['libuv_lambda_cdk.so', 'libuv_lambda_cdk.dylib', 'uv_lambda_cdk.dll'];
  const made = names
    .map((name) => path.join(TARGET_FOLDER, target, 'release', name))
    .find((file) => fs.existsSync(file));
  if (made === undefined) {
    throw new Error(`cargo made no library for ${target}`);
  }
  return made;
}

/** The platforms to build, each with its recipe on this machine. Throws if one is unknown or cannot be built here. */
function plan(names) {
  const possible = Object.keys(ADD_ONS).filter((platform) => recipe(platform, process.platform) !== undefined);
  const wrong = names.find((platform) => !possible.includes(platform));
  if (wrong !== undefined) {
    throw new Error(`This machine builds no add-on for \`${wrong}\`: take ${possible.join(', ')}.`);
  }
  const platforms = names.length > 0 ? names : possible;
  const recipes = platforms.map((platform) => [platform, recipe(platform, process.platform)]);
  const needsMingw = recipes.some(([, { linker }]) => linker === 'mingw');
  if (needsMingw && !hasProgram('x86_64-w64-mingw32-gcc')) {
    throw new Error('`x86_64-w64-mingw32-gcc` is missing: run `node scripts/prepare-machine.mjs` as root');
  }
  return recipes;
}

try {
  const recipes = plan(process.argv.slice(2));
  addTargets(recipes.map(([, { target }]) => target));
  fs.mkdirSync(ADD_ONS_FOLDER, { recursive: true });
  for (const [platform, how] of recipes) {
    console.log(`\n> ${platform}`);
    fs.copyFileSync(build(how), path.join(ADD_ONS_FOLDER, addOnFile(platform)));
  }
  console.log('\n> a look at each');
  inspectAddOns(recipes.map(([platform]) => platform));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
