// Zips in JavaScript: foreign zips with wrong headers in `diffSync`; and names that a bundle must not change.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { bundleSync, diffSync } from '../index.js';
import { temporaryFolder } from './support/files.mjs';
import { options } from './support/toolchain.mjs';
import { fixture } from './support/workspaces.mjs';
import { unzip } from './support/zips.mjs';

/** A zip of one empty file `a.py` that claims to be of `size` bytes. */
function claiming(size) {
  const extra = Buffer.from('0100100000000000000000000000000000000000', 'hex');
  extra.writeBigUInt64LE(size, 4);
  const about = Buffer.from('1400000000000000210000000000ffffffffffffffff04001400', 'hex');
  const name = Buffer.from('a.py');
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), about, name, extra]);
  const entry = Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), about, Buffer.alloc(14), name, extra]);
  const end = Buffer.from('504b050600000000010001000000000000000000' + '0000', 'hex');
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, entry, end]);
}

test('a zip that claims more than there is: an error that names the file, and Node lives on', (t) => {
  const folder = temporaryFolder(t);
  const zip = (size) => {
    const file = path.join(folder, `${size}.zip`);
    fs.writeFileSync(file, claiming(size));
    return file;
  };
  const empty = zip(0n);
  assert.equal(fs.statSync(empty).size, 146);
  assert.equal(diffSync(empty, empty).identical, true);
  for (const bits of [20n, 29n]) {
    const message = new RegExp(`: \`a\\.py\` has 0 bytes, and claims to have ${2n ** bits}$`);
    assert.throws(() => diffSync(empty, zip(2n ** bits)), { code: 'BAD_ZIP', message });
  }
  for (const bits of [33n, 36n, 63n]) {
    const message =
      /: its files claim to be \d+\.0 MB unpacked \(`a\.py` \d+\.0 MB\), and from a zip of 146 B no more than/;
    assert.throws(() => diffSync(empty, zip(2n ** bits)), { code: 'BAD_ZIP', message });
  }
});

test('files of a package keep the names that they have on Linux', { skip: process.platform === 'win32' }, (t) => {
  const workspace = fixture(t);
  const names = ['C:colon.py', 'colon.py', 'a\\b.py', 'a/b.py'];
  for (const name of names) {
    const file = path.join(workspace, 'packages/app/src/app', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `NAME = ${JSON.stringify(name)}\n`);
  }
  const contents = unzip(bundleSync(options(workspace), temporaryFolder(t)).zipPath);
  for (const name of names) {
    assert.equal(contents[`app/${name}`], `NAME = ${JSON.stringify(name)}\n`);
  }
});
