// Builds executables as they are published, and looks at each of them: the same core as the Node add-on. Those that build in containers
// go into `container`, those that reach a remote cache into `dist/remote-cache`.
//
//   node scripts/native/build-executables.mjs [<name>...]
//
// Without a name, it builds those for containers.

import * as fs from 'node:fs';
import path from 'node:path';
import { root } from '../../__test__/support/tools.mjs';
import { CONTAINER_EXECUTABLES, EXECUTABLES, executableRecipe, reachesRemoteCache } from './add-ons.mjs';
import { buildFor, prepare } from './cargo.mjs';
import { executable, inspectExecutables } from './inspect-add-ons.mjs';

try {
  const names = process.argv.length > 2 ? process.argv.slice(2) : CONTAINER_EXECUTABLES;
  const builds = prepare(names, Object.keys(EXECUTABLES), executableRecipe);
  for (const [name, how] of builds) {
    console.log(`\n> ${name}`);
    const features = reachesRemoteCache(name) ? ['--features', 'remote-cache'] : [];
    const built = buildFor(how, {
      flags: ['--no-default-features', ...features, '--bin', 'uv-lambda-cdk'],
      names: ['uv-lambda-cdk', 'uv-lambda-cdk.exe'],
      folder: path.join(root, 'target'),
    });
    fs.mkdirSync(path.dirname(executable(name)), { recursive: true });
    fs.copyFileSync(built, executable(name));
  }
  console.log('\n> a look at each');
  inspectExecutables(builds.map(([name]) => name));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
