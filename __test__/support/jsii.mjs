// jsii, and the package that it works on.

import path from 'node:path';
import { root, run } from './tools.mjs';

/**
 * A package of its own around the constructs, with the oldest CDK that ours claims to work with. What is compiled against a newer CDK
 * names classes that an older one lacks, and Python cannot import it. `npm run build` makes it.
 */
export const PACKAGE = path.join(root, '.tools/oldest-cdk');

/** Runs a tool of jsii in that package. */
export function runJsii(tool, args) {
  // The tools warn of each Node whose support has ended. Whoever builds chooses the Node.
  const env = { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: process.versions.node.split('.')[0] };
  run(process.execPath, [path.join(root, 'node_modules', tool, 'bin', tool), ...args], {
    cwd: PACKAGE,
    show: true,
    env,
  });
}
