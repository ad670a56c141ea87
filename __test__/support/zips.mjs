// Zips: reads them, compares them.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { run } from './tools.mjs';

// Loaded when it is used: scripts import this file before they have installed the Node packages.
const fflate = () => createRequire(import.meta.url)('fflate');

/** The contents of the files in a zip as bytes, by name, in the order of the zip. */
export function readZip(zip) {
  return fflate().unzipSync(fs.readFileSync(zip));
}

/** The contents of the files in a zip as text in Latin-1, by name, in the order of the zip. */
export function unzip(zip) {
  const contents = Object.entries(readZip(zip));
  return Object.fromEntries(contents.map(([name, bytes]) => [name, Buffer.from(bytes).toString('latin1')]));
}

/** The names of the files in a zip, in the order of the zip. */
export function zipNames(zip) {
  const names = [];
  const filter = ({ name }) => {
    names.push(name);
    return false; // Inflates nothing.
  };
  fflate().unzipSync(fs.readFileSync(zip), { filter });
  return names;
}

/** Unpacks a zip into a folder with an interpreter, which fails if a checksum is wrong. */
export function unpackZip(zip, folder, interpreter) {
  run(interpreter, ['-m', 'zipfile', '-e', zip, folder]);
}

/**
 * The entries of a zip, in its order: `[{ name, time, mode, compressedBytes, offset }]`, where `time` is an array from
 * the year to the second. Fails if a checksum is wrong.
 */
export function zipEntries(zip, interpreter) {
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'zip_entries.py');
  return JSON.parse(run(interpreter, [script, zip]));
}

/** The entries in which two zips differ, one a line, after a line that counts them. */
export function compareZips(left, right, interpreter) {
  const [before, after] = [left, right].map(unzip);
  const lines = [
    ...Object.keys(before).flatMap((name) => (name in after ? [] : [`${name} is gone`])),
    ...Object.keys(after).flatMap((name) => (name in before ? [] : [`${name} is new`])),
    ...Object.keys(before).flatMap((name) => (name in after ? differenceOfTexts(name, before[name], after[name]) : [])),
  ];
  const all = lines.length > 0 ? lines : differencesOfEntries(left, right, interpreter);
  return [`${all.length} entries differ`, ...all.toSorted().slice(0, 8)].join('\n');
}

function differenceOfTexts(name, before, after) {
  if (before === after) {
    return [];
  }
  let byte = 0;
  while (byte < before.length && before[byte] === after[byte]) {
    byte += 1;
  }
  const shown = [before, after].map((text) => JSON.stringify(text.slice(byte, byte + 24)));
  return [`${name} differs from byte ${byte} on (${shown.join(', ')})`];
}

function differencesOfEntries(left, right, interpreter) {
  const [before, after] = [left, right].map((zip) => zipEntries(zip, interpreter));
  return before.flatMap((entry, index) =>
    Object.keys(entry)
      .map((field) => [field, ...[entry, after[index]].map((one) => JSON.stringify(one?.[field]))])
      .filter(([, one, other]) => one !== other)
      .map(([field, one, other]) => `${entry.name}: ${field} ${one} and ${other}`),
  );
}
