// The Python package: a wheel in `dist/python`. The kernel of jsii runs the JavaScript in it and never runs npm, so everything has to
// be in the wheel.

import * as fs from 'node:fs';
import path from 'node:path';
import { PACKAGE, runJsii } from '../__test__/support/jsii.mjs';
import { PYTHON, root, run, uvOnPathOrEnsured } from '../__test__/support/tools.mjs';
import { copyIntoPackage } from './compile-constructs.mjs';

/** Builds the wheel from what `npm run build` made, with the add-ons at these paths. */
export function buildWheel({ addOns }) {
  for (const name of fs.readdirSync(PACKAGE).filter((name) => name.endsWith('.node'))) {
    fs.rmSync(path.join(PACKAGE, name));
  }
  copyIntoPackage(['binding.js', 'cli.js', 'container', 'index.js']);
  for (const addOn of addOns) {
    fs.copyFileSync(addOn, path.join(PACKAGE, path.basename(addOn)));
  }

  // The examples in the documentation, in Python.
  runJsii('jsii-rosetta', ['extract', '--fail', '--compile']);
  // jsii-pacmak would build by pip, in an environment that it makes each time: three times as long, for the same wheel.
  const generated = path.join(PACKAGE, 'dist');
  const wheels = path.join(root, 'dist/python');
  fs.rmSync(generated, { recursive: true, force: true });
  fs.rmSync(wheels, { recursive: true, force: true });
  runJsii('jsii-pacmak', ['--targets', 'python', '--outdir', generated, '--force', '--code-only']);
  const flags = ['--wheel', '--quiet', '--python', PYTHON, '--out-dir', wheels];
  run(uvOnPathOrEnsured(), ['build', ...flags, path.join(generated, 'python')], { show: true });
}
