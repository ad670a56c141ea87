// How Python imports a bundle from a read-only folder, as on Lambda: from bytecode alone, and how fast.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './numbers.mjs';
import { isRoot, run } from './tools.mjs';
import { unpackZip } from './zips.mjs';

const TASK = '/var/task';

/** The text of a program in this folder. It is passed as text because the mount may hide this folder. */
const program = (name) => fs.readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), name), 'utf8');

/** The packages and modules at the top of an unpacked bundle that have bytecode. */
function topLevel(folder) {
  const names = fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      return fs.existsSync(path.join(folder, entry.name, '__init__.py')) ? [entry.name] : [];
    }
    return entry.name.endsWith('.py') ? [path.basename(entry.name, '.py')] : [];
  });
  return names.filter((name) => /^[A-Za-z_]\w*$/.test(name)).toSorted();
}

/** Unpacks a bundle as Lambda does: read-only, and at `/var/task` where this machine allows it. */
export function unpackTask(zip, python, work = os.tmpdir()) {
  const folder = path.join(fs.mkdtempSync(path.join(work, 'task-')), 'task');
  unpackZip(zip, folder, python);
  run('chmod', ['-R', 'a-w', folder]);
  const canMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0;
  const [seen, prefix] = canMount
    ? [TASK, ['unshare', '--mount', 'sh', '-c', program('at_var_task.sh'), 'sh', folder]]
    : [folder, []];
  return {
    folder,
    seen,
    run(script, names) {
      const [command, ...args] = [...prefix, python, '-c', program(script), seen, ...names];
      // No variable of Python's may change how it imports.
      return run(command, args, { cwd: '/', env: { PATH: process.env.PATH, HOME: '/nonexistent' } });
    },
    remove() {
      run('chmod', ['-R', 'u+w', folder]);
      fs.rmSync(path.dirname(folder), { recursive: true });
    },
  };
}

/**
 * Imports everything at the top of a bundle, and other modules of it.
 *
 * @returns `{ modules, fromBytecode, compiled, elsewhere, failed }`: how many of the bundle's modules were imported, how
 *   many of them from bytecode, which were compiled, which bytecode names another file than its own, and what failed
 */
export function importAll(task, others = []) {
  return JSON.parse(task.run('import_all.py', [...topLevel(task.folder), ...others]));
}

/** Seconds that importing modules takes with and without bytecode: medians of several runs in turns. */
export function timeImports(task, bare, names, runs = 5) {
  const times = { with: [], without: [] };
  for (let count = 0; count <= runs; count += 1) {
    times.with.push(Number(task.run('time_imports.py', names)));
    times.without.push(Number(bare.run('time_imports.py', names)));
  }
  // The first run of each brings the files into memory.
  return { with: median(times.with.slice(1)), without: median(times.without.slice(1)) };
}

/** Removes the bytecode of an unpacked bundle. */
export function removeBytecode(task) {
  run('chmod', ['-R', 'u+w', task.folder]);
  run('find', [task.folder, '-name', '__pycache__', '-prune', '-exec', 'rm', '-r', '{}', '+']);
  run('chmod', ['-R', 'a-w', task.folder]);
}
