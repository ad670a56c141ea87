// The version of a release, which several files repeat, and its section of the changelog.
//
//   node scripts/release/versions.mjs           fails if the files name different versions
//   node scripts/release/versions.mjs v0.1.0    fails too if this tag is of another version, or the changelog is not ready
//   node scripts/release/versions.mjs --notes   prints the section of the changelog

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../__test__/support/tools.mjs';

const read = (name) => readFileSync(path.join(root, name), 'utf8');

/** The version in the section of a TOML file whose `name` is ours, directly before it. */
const versionInToml = (text) => /^name = "uv-lambda-cdk"\nversion = "(.*)"$/m.exec(text)?.[1];

/** The version that each file has: `{ [file]: version }`. */
export function versions() {
  const lock = JSON.parse(read('package-lock.json'));
  return {
    'package.json': JSON.parse(read('package.json')).version,
    'package-lock.json': lock.version,
    'package-lock.json, packages': lock.packages[''].version,
    'Cargo.toml': versionInToml(read('Cargo.toml')),
    'Cargo.lock': versionInToml(read('Cargo.lock')),
  };
}

/** What is wrong with a tag, a line for each reason: it is of another version, or the changelog has no dated section for it. */
export function wrongTag(tag, version, changelog) {
  return [
    ...(tag === `v${version}` ? [] : [`the tag is \`${tag}\`, and the version is ${version}`]),
    ...(section(changelog, version)?.date ? [] : [`CHANGELOG.md has no section \`## [${version}] - <date>\``]),
  ];
}

/** The section of a version in the changelog, `{ date, text }`. `undefined` if there is none. */
export function section(changelog, version) {
  const parts = changelog.split(/^## /m).slice(1);
  const found = parts.find((part) => part.startsWith(`[${version}]`));
  if (found === undefined) {
    return undefined;
  }
  const [heading, ...lines] = found.split('\n');
  return { date: / - (\d{4}-\d{2}-\d{2})$/.exec(heading)?.[1], text: lines.join('\n').trim() };
}

function main(argument) {
  const found = versions();
  const version = found['package.json'];
  const others = Object.entries(found).filter(([, other]) => other !== version);
  const changelog = read('CHANGELOG.md');
  if (argument === '--notes') {
    console.log(section(changelog, version)?.text ?? '');
    return;
  }
  const wrong = [
    ...others.map(([file, other]) => `${file} has the version ${other}, and package.json has ${version}`),
    ...(argument === undefined ? [] : wrongTag(argument, version, changelog)),
  ];
  if (wrong.length > 0) {
    console.error(wrong.join('\n'));
    process.exit(1);
  }
  console.log(version);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv[2]);
}
