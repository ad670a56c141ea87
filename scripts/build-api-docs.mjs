// Writes API.md, the reference of the constructs, from what jsii compiled.

import path from 'node:path';
import { runJsii } from '../__test__/support/jsii.mjs';
import { root } from '../__test__/support/tools.mjs';
import { compileConstructs } from './compile-constructs.mjs';

compileConstructs();
runJsii('jsii-docgen', ['--output', path.join(root, 'API.md')]);
