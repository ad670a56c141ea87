// Wheels of our own, made by the tests.

import { createHash } from 'node:crypto';
import * as path from 'node:path';
import { zipSync } from 'fflate';
import { write } from './files.mjs';

/**
 * Writes a wheel into a folder, and returns its path.
 *
 * @param files the files of its module, texts or bytes by path
 * @param tag what it claims to be for
 * @param metadata lines of its METADATA beside its name and version
 * @param record the text of its RECORD, if it is not the right one
 */
export function writeWheel(
  folder,
  name,
  files,
  { version = '1.0', tag = 'py3-none-any', metadata = [], requires = [], record } = {},
) {
  const module = name.replaceAll('-', '_');
  const info = `${module}-${version}.dist-info`;
  const dependencies = requires.map((dependency) => `Requires-Dist: ${dependency}`);
  const about = ['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`, ...metadata, ...dependencies];
  const all = {
    ...files,
    [`${info}/METADATA`]: `${about.join('\n')}\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: ${tag.endsWith('-any')}\nTag: ${tag}\n`,
  };
  const rows = Object.entries(all).map(([file, contents]) => {
    const digest = createHash('sha256').update(contents).digest('base64url');
    return `${file},sha256=${digest},${Buffer.byteLength(contents)}\n`;
  });
  all[`${info}/RECORD`] = record ?? `${rows.join('')}${info}/RECORD,,\n`;
  const entries = Object.entries(all).map(([file, contents]) => [
    file,
    [Buffer.from(contents), { mtime: '2020-01-01' }],
  ]);
  const wheel = path.join(folder, `${module}-${version}-${tag}.whl`);
  write(wheel, zipSync(Object.fromEntries(entries)));
  return wheel;
}
