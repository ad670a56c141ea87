// Writes API.md, the reference of the constructs, from what jsii compiled.

import path from 'node:path';
import { root } from '../__test__/support/tools.mjs';
import { compileConstructs, runJsii } from './compile-constructs.mjs';

compileConstructs();
runJsii('jsii-docgen', ['--output', path.join(root, 'API.md')]);
