// Runs Python programs in a CPython that is compiled to WebAssembly, and ends. `pyodide.mjs` starts it, with one argument: what to
// run, as JSON.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const { packageFolder, folders, hashSeed, ...names } = JSON.parse(process.argv[2]);
const runner = path.join(path.dirname(fileURLToPath(import.meta.url)), 'pyodide_run.py');

const { loadPyodide } = await import(pathToFileURL(path.join(packageFolder, 'pyodide.mjs')).href);
const python = await loadPyodide({ env: { PYTHONHASHSEED: hashSeed } });
for (const folder of folders) {
  python.FS.mkdirTree(folder);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, folder);
}
let status = 0;
try {
  python.runPython(fs.readFileSync(runner, 'utf8'), { globals: python.toPy(names), filename: runner });
} catch (error) {
  // The traceback of Python. Node would print the line of Pyodide that threw it, which is a megabyte long.
  fs.writeSync(2, error.message);
  status = 1;
}
// Pyodide may have left something that keeps the process alive.
process.exit(status);
