// Builds the add-ons for all platforms on a Debian for x86-64, into `dist/add-ons`, and looks at each of them; and the executables for
// containers. What a release publishes is built the same way on machines of each platform.
//
//   node scripts/build-all.mjs [<platform>...]

import * as fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ensureUv, hasProgram, root, run } from '../__test__/support/tools.mjs';
import { ADD_ONS, OLDEST_GLIBC, OLDEST_MACOS } from './add-ons.mjs';
import { zigEnvironment } from './zig.mjs';

const output = path.join(root, 'dist/add-ons');
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ADD_ONS);
const unknown = wanted.find((platform) => !Object.hasOwn(ADD_ONS, platform));
if (unknown !== undefined) {
  console.error(`There is no platform \`${unknown}\`: take ${Object.keys(ADD_ONS).join(', ')}.`);
  process.exit(2);
}

/** Compiler flags that leave no path of this machine in a file. */
function withoutPaths() {
  const cargo = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');
  const rustup = process.env.RUSTUP_HOME ?? path.join(homedir(), '.rustup');
  const places = { [cargo]: '/cargo', [rustup]: '/rustup', [root]: '/uv-lambda-cdk' };
  return Object.entries(places).map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
}

/** A folder in which the build of napi finds what it asks for on Windows. Node's functions are looked up when the add-on is loaded. */
function emptyLibnode() {
  const folder = path.join(root, '.tools/libnode');
  fs.mkdirSync(folder, { recursive: true });
  for (const name of ['libnode.dll', 'libnode.dll.a', 'libnode.a', 'node.lib']) {
    fs.writeFileSync(path.join(folder, name), '!<arch>\n');
  }
  return folder;
}

/** Builds the add-on of a platform, and returns the library that cargo made. */
function build(platform, environment) {
  const { target, linker } = ADD_ONS[platform];
  const [, , libc] = platform.split('-');
  const flags = withoutPaths();
  const env = { ...environment, MACOSX_DEPLOYMENT_TARGET: OLDEST_MACOS };
  if (libc === 'musl') {
    flags.push('-Ctarget-feature=-crt-static');
  }
  if (platform.startsWith('darwin')) {
    // Node has these symbols, and the add-on finds them when it is loaded.
    flags.push('-Clink-arg=-undefined', '-Clink-arg=dynamic_lookup');
    // Else the library has the path that it was linked to.
    flags.push(`-Clink-arg=-Wl,-install_name,@loader_path/uv-lambda-cdk.${platform}.node`);
  }
  if (linker === 'mingw') {
    env.LIBNODE_PATH = emptyLibnode();
  }
  env.CARGO_ENCODED_RUSTFLAGS = flags.join('\u001f');
  const suffix = libc === 'gnu' ? `.${OLDEST_GLIBC}` : '';
  const cargo = linker === 'zig' ? ['cargo-zigbuild', ['zigbuild']] : ['cargo', ['build']];
  // A folder of its own: other flags would compile everything of the checkout anew.
  const folder = path.join(root, 'target/add-ons');
  const args = ['--release', '--lib', '--target', `${target}${suffix}`, '--target-dir', folder];
  run(cargo[0], [...cargo[1], ...args], { cwd: root, show: true, env });
  const names = ['libuv_lambda_cdk.so', 'libuv_lambda_cdk.dylib', 'uv_lambda_cdk.dll'];
  const made = names.map((name) => path.join(folder, target, 'release', name)).find((file) => fs.existsSync(file));
  if (made === undefined) {
    throw new Error(`cargo made no library for ${target}`);
  }
  return made;
}

if (wanted.some((platform) => ADD_ONS[platform].linker === 'mingw') && !hasProgram('x86_64-w64-mingw32-gcc')) {
  console.error('`x86_64-w64-mingw32-gcc` is missing: run `node scripts/prepare-machine.mjs` as root');
  process.exit(1);
}
const environment = zigEnvironment(wanted.map((platform) => ADD_ONS[platform].target));
fs.mkdirSync(output, { recursive: true });
for (const platform of wanted) {
  console.log(`\n> ${platform}`);
  fs.copyFileSync(build(platform, environment), path.join(output, `uv-lambda-cdk.${platform}.node`));
}

console.log('\n> a look at each');
const files = wanted.map((platform) => path.join(output, `uv-lambda-cdk.${platform}.node`));
const inspect = ['run', '--quiet', '--no-project', '--with', 'lief==0.17.0', '--', 'python'];
run(
  ensureUv(),
  [...inspect, path.join(root, 'scripts/inspect_add_ons.py'), OLDEST_GLIBC, OLDEST_MACOS, root, ...files],
  {
    show: true,
  },
);
