// The conditions of the numbers: the machine, the versions and the day.

import { readFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { root, run } from '../__test__/support/tools.mjs';

const versionOf = (manifest) => JSON.parse(readFileSync(path.join(root, manifest), 'utf8')).version;

/** The machine and the versions, as lines of text. */
export function describeMachine({ uv, fullVersion }) {
  const processors = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const [uvVersion] = run(uv, ['--version']).match(/\d+\.\d+\.\d+\S*/);
  return [
    `${processors[0].model.trim()}, ${processors.length} cores, ${memory} GiB of memory, ${os.type()} ${process.arch}`,
    `uv-lambda-cdk ${versionOf('package.json')}, uv ${uvVersion}, CPython ${fullVersion}, Node.js ${process.versions.node}, aws-cdk-lib ${versionOf('node_modules/aws-cdk-lib/package.json')}`,
    new Date().toISOString().slice(0, 10),
  ];
}
