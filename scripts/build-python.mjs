// Builds the Python package with the add-on of this machine, from what `npm run build` made.

import * as fs from 'node:fs';
import path from 'node:path';
import { PACKAGE } from '../__test__/support/jsii.mjs';
import { root } from '../__test__/support/tools.mjs';
import { buildWheel } from './python-package.mjs';

const addOns = fs.readdirSync(root).filter((name) => name.endsWith('.node'));
if (addOns.length === 0 || !fs.existsSync(path.join(PACKAGE, '.jsii'))) {
  console.error('Run `npm run build` first.');
  process.exit(1);
}
buildWheel({ addOns: addOns.map((name) => path.join(root, name)) });
console.log(fs.readdirSync(path.join(root, 'dist/python')).find((name) => name.endsWith('.whl')));
