// Builds the Python package: a wheel and an sdist in `dist/python`, by jsii. They have the add-on of this machine. jsii's kernel runs
// the JavaScript, and never runs npm, so that everything has to be in the package.

import * as fs from 'node:fs';
import path from 'node:path';
import { root } from '../__test__/support/tools.mjs';
import { PACKAGE, compileConstructs, copyIntoPackage, runJsii } from './compile-constructs.mjs';

compileConstructs();
for (const name of fs.readdirSync(PACKAGE).filter((name) => name.endsWith('.node'))) {
  fs.rmSync(path.join(PACKAGE, name));
}
copyIntoPackage([
  ...['binding.js', 'cli.js', 'container', 'index.js'],
  ...fs.readdirSync(root).filter((name) => name.endsWith('.node')),
]);
fs.rmSync(path.join(root, 'dist/python'), { recursive: true, force: true });
runJsii('jsii-pacmak', ['--targets', 'python', '--outdir', path.join(root, 'dist'), '--force']);
