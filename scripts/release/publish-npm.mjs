// Publishes the npm packages of a release, which `npm run release:pack` made: the packages that the main package needs, then that one. A
// package that the registry has already is left out, so that this can run again where it stopped.
//
//   node scripts/release/publish-npm.mjs [<flags of npm publish>...]

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { root, run } from '../../__test__/support/tools.mjs';

const folder = path.join(root, 'dist/npm');

/** The packages in the folder, in the order in which they are published: `[{ file, name, version }]`. */
function packages() {
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const found = files.sort().map((name) => {
    const file = path.join(folder, name);
    return { file, ...JSON.parse(run('tar', ['-xOf', file, 'package/package.json'])) };
  });
  const isMain = ({ name }) => !name.startsWith('@');
  if (found.filter(isMain).length !== 1) {
    throw new Error(`\`${folder}\` has not one package without a scope: run \`npm run release:pack\``);
  }
  return [...found.filter((each) => !isMain(each)), ...found.filter(isMain)];
}

/** The integrity of a version that the registry has; `undefined` if it has none. */
function publishedIntegrity(name, version) {
  try {
    const answer = run('npm', ['view', `${name}@${version}`, 'dist.integrity', '--json', '--prefer-online']);
    return answer.trim() === '' ? undefined : JSON.parse(answer);
  } catch (error) {
    if (error.message.includes('E404')) {
      return undefined;
    }
    throw error;
  }
}

function publish({ file, name, version }, flags) {
  const integrity = `sha512-${createHash('sha512').update(fs.readFileSync(file)).digest('base64')}`;
  const published = publishedIntegrity(name, version);
  if (published === integrity) {
    console.log(`${name}@${version} is published already`);
    return;
  }
  if (published !== undefined) {
    throw new Error(`${name}@${version} is published with other contents: release another version`);
  }
  // `npm install` takes `latest`, which no prerelease may become.
  const tag = version.includes('-') ? 'next' : 'latest';
  run('npm', ['publish', file, '--access', 'public', '--tag', tag, ...flags], { show: true });
}

try {
  for (const each of packages()) {
    publish(each, process.argv.slice(2));
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
