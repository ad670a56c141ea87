// Builds executables into `container`, and looks at each of them: the same core as the Node add-on, which reaches a remote cache too.
// Those for Linux also build inside containers.
//
//   node scripts/native/build-executables.mjs [--without-remote-cache] [<name>...]
//
// Without a name, it builds those that a package uses on this system. `--without-remote-cache` leaves out most of the crates: such an
// executable only builds in containers, and is never published.

import * as fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../__test__/support/tools.mjs';
import { EXECUTABLES, executableRecipe, executablesUsedOn } from './add-ons.mjs';
import { buildFor, prepare } from './cargo.mjs';
import { EXECUTABLES_FOLDER, inspectExecutables } from './inspect-add-ons.mjs';

try {
  const { values, positionals } = parseArgs({
    options: { 'without-remote-cache': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const features = values['without-remote-cache'] ? [] : ['--features', 'remote-cache'];
  const names = positionals.length > 0 ? positionals : executablesUsedOn(process.platform);
  const builds = prepare(names, Object.keys(EXECUTABLES), executableRecipe);
  for (const [name, how] of builds) {
    console.log(`\n> ${name}`);
    const built = buildFor(how, {
      flags: ['--no-default-features', ...features, '--bin', 'uv-lambda-cdk'],
      names: ['uv-lambda-cdk', 'uv-lambda-cdk.exe'],
      folder: path.join(root, 'target'),
    });
    fs.copyFileSync(built, path.join(EXECUTABLES_FOLDER, name));
  }
  console.log('\n> a look at each');
  inspectExecutables(builds.map(([name]) => name));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
