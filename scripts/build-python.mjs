// Builds the Python package, a wheel in `dist/python`, from what `npm run build` made. It has the add-on of this machine. jsii's
// kernel runs the JavaScript and never runs npm, so everything has to be in the package.

import * as fs from 'node:fs';
import path from 'node:path';
import { PACKAGE, runJsii } from '../__test__/support/jsii.mjs';
import { root, run, uvOnPathOrEnsured } from '../__test__/support/tools.mjs';
import { copyIntoPackage } from './compile-constructs.mjs';

const addOns = fs.readdirSync(root).filter((name) => name.endsWith('.node'));
if (addOns.length === 0 || !fs.existsSync(path.join(PACKAGE, '.jsii'))) {
  console.error('Run `npm run build` first.');
  process.exit(1);
}
for (const name of fs.readdirSync(PACKAGE).filter((name) => name.endsWith('.node'))) {
  fs.rmSync(path.join(PACKAGE, name));
}
copyIntoPackage(['binding.js', 'cli.js', 'container', 'index.js', ...addOns]);

// The examples in the documentation, in Python.
runJsii('jsii-rosetta', ['extract', '--fail', '--compile']);
// jsii-pacmak would build by pip, in an environment that it makes each time: three times as long, for the same wheel.
const generated = path.join(PACKAGE, 'dist');
const wheels = path.join(root, 'dist/python');
fs.rmSync(generated, { recursive: true, force: true });
fs.rmSync(wheels, { recursive: true, force: true });
runJsii('jsii-pacmak', ['--targets', 'python', '--outdir', generated, '--force', '--code-only']);
const flags = ['--wheel', '--quiet', '--python', 'python3', '--out-dir', wheels];
run(uvOnPathOrEnsured(), ['build', ...flags, path.join(generated, 'python')], { show: true });
console.log(fs.readdirSync(wheels).find((name) => name.endsWith('.whl')));
