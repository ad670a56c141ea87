// Builds add-ons into `dist/add-ons`, and looks at each of them. A Debian builds those of all platforms; a Mac and a Windows build
// their own, as the machines of a release do.
//
//   node scripts/native/build-all.mjs [<platform>...]

import * as fs from 'node:fs';
import path from 'node:path';
import { root } from '../../__test__/support/tools.mjs';
import { ADD_ONS, addOnFile, recipe } from './add-ons.mjs';
import { buildFor, prepare } from './cargo.mjs';
import { ADD_ONS_FOLDER, inspectAddOns } from './inspect-add-ons.mjs';

const LIBRARY = {
  flags: ['--lib'],
  names: ['libuv_lambda_cdk.so', 'libuv_lambda_cdk.dylib', 'uv_lambda_cdk.dll'],
  // A folder of its own, since other flags would compile everything of the checkout anew.
  folder: path.join(root, 'target/add-ons'),
};

try {
  const builds = prepare(process.argv.slice(2), Object.keys(ADD_ONS), recipe);
  fs.mkdirSync(ADD_ONS_FOLDER, { recursive: true });
  for (const [platform, how] of builds) {
    console.log(`\n> ${platform}`);
    fs.copyFileSync(buildFor(how, LIBRARY), path.join(ADD_ONS_FOLDER, addOnFile(platform)));
  }
  console.log('\n> a look at each');
  inspectAddOns(builds.map(([platform]) => platform));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
