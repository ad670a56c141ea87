// Writes the golden inputs of the Pythons that run as WebAssembly: `node __test__/support/pyodide-write-before.mjs`. It is
// `write_before.py` for interpreters that start no process.

import * as path from 'node:path';
import { PYODIDE_PYTHONS, runPyodide } from './pyodide.mjs';
import { root } from './tools.mjs';

const program = path.join(root, 'tests/fixtures/bytecode/write_before.py');

for (const version of PYODIDE_PYTHONS) {
  for (const [index, situation] of ['alone', 'crowded'].entries()) {
    runPyodide(version, { program, programArguments: [situation], hashSeed: String(index + 1) });
  }
}
