// Runs before npm packs a checkout: fails if something is not built. The package that this makes has the add-on of this machine; the
// packages of a release are packed by `npm run release:pack`.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../__test__/support/tools.mjs';
import { CONTAINER_EXECUTABLES } from '../native/add-ons.mjs';
import { wrongArtefacts } from './artefacts.mjs';

const addOns = readdirSync(root).filter((name) => name.endsWith('.node'));
const wrong = wrongArtefacts(
  addOns.map((name) => path.join(root, name)),
  CONTAINER_EXECUTABLES,
);
if (addOns.length === 0) {
  wrong.push('the add-on of this machine is missing');
}
if (wrong.length > 0) {
  console.error(`${wrong.join('\n')}\nRun \`npm run build\` and \`npm run build:executables\`.`);
  process.exit(1);
}
