// Wheels of our own, made by the tests.

import { createHash } from 'node:crypto';
import * as path from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { write } from './files.mjs';

/**
 * Writes a pure wheel `<name>-1.0-py3-none-any.whl` into a folder.
 *
 * @param files the texts of its modules, by path
 * @param record the text of its RECORD, if it is not the right one
 */
export function writeWheel(folder, name, files, { record, requires = [] } = {}) {
  const module = name.replaceAll('-', '_');
  const info = `${module}-1.0.dist-info`;
  const dependencies = requires.map((dependency) => `Requires-Dist: ${dependency}\n`).join('');
  const all = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n${dependencies}`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const rows = Object.entries(all).map(([file, text]) => {
    const digest = createHash('sha256').update(text).digest('base64url');
    return `${file},sha256=${digest},${Buffer.byteLength(text)}\n`;
  });
  all[`${info}/RECORD`] = record ?? `${rows.join('')}${info}/RECORD,,\n`;
  const entries = Object.entries(all).map(([file, text]) => [file, [strToU8(text), { mtime: '2020-01-01' }]]);
  const wheel = path.join(folder, `${module}-1.0-py3-none-any.whl`);
  write(wheel, zipSync(Object.fromEntries(entries)));
  return wheel;
}
