// How Python imports a bundle from a read-only tree, as Lambda's is: from bytecode alone, and how much faster that is.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isRoot } from '../debian.mjs';
import { run } from '../tools.mjs';
import { newFolder } from './scene.mjs';

const TASK = '/var/task';

/** Shows a folder, read-only, as `/var/task` to one process and its children, and to nobody else on this machine. */
const MOUNT = `
  set -e
  mount --bind "$1" /mnt
  mount --types tmpfs tmpfs /var
  mkdir ${TASK}
  mount --bind /mnt ${TASK}
  mount --options remount,bind,ro ${TASK}
  shift
  exec "$@"
`;

/** Imports modules, and says which of those in the bundle were compiled and which came from bytecode. */
const IMPORT = `
import importlib, importlib._bootstrap_external as machinery, json, marshal, sys
task, names = sys.argv[1], sys.argv[2:]
compiled, loaded, failed = [], [], []
compile_source, load_bytecode = machinery.SourceLoader.source_to_code, machinery._compile_bytecode
def source_to_code(self, data, path, **others):
    compiled.append(path)
    return compile_source(self, data, path, **others)
def _compile_bytecode(data, name=None, bytecode_path=None, source_path=None):
    # Looked at before Python mends it.
    loaded.append((source_path, marshal.loads(data).co_filename))
    return load_bytecode(data, name, bytecode_path, source_path)
machinery.SourceLoader.source_to_code, machinery._compile_bytecode = source_to_code, _compile_bytecode
sys.path.insert(0, task)
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f'{name}: {error}')
modules = [module.__file__ for module in list(sys.modules.values()) if (getattr(module, '__file__', None) or '').startswith(task + '/')]
print(json.dumps({
    'modules': len({file for file in modules if file.endswith('.py')}),
    'fromBytecode': len({path for path, _ in loaded if path.startswith(task + '/')}),
    'compiled': [path for path in compiled if path.startswith(task + '/')],
    'elsewhere': [name for path, name in loaded if path.startswith(task + '/') and name != '/var/task' + path[len(task):]],
    'failed': failed,
}))
`;

const TIME = `
import sys, time
sys.path.insert(0, sys.argv[1])
start = time.perf_counter()
for name in sys.argv[2:]:
    __import__(name)
print(time.perf_counter() - start)
`;

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

/** Unpacks a bundle as Lambda does: at `/var/task` where this machine lets us, and read-only. */
export function unpack(zip, python, work) {
  const folder = path.join(newFolder(work, 'task'), 'task');
  run(python, ['-m', 'zipfile', '-e', zip, folder]);
  run('chmod', ['-R', 'a-w', folder]);
  const canMount = isRoot && spawnSync('unshare', ['--mount', 'true']).status === 0;
  const [seen, prefix] = canMount ? [TASK, ['unshare', '--mount', 'sh', '-c', MOUNT, 'sh', folder]] : [folder, []];
  return {
    folder,
    seen,
    run(program, names) {
      const [command, ...args] = [...prefix, python, '-c', program, seen, ...names];
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
  return JSON.parse(task.run(IMPORT, [...topLevel(task.folder), ...others]));
}

/** Seconds that importing modules takes with the bundle's bytecode and without: medians of several runs in turns. */
export function timeImports(task, bare, names, runs = 5) {
  const times = { with: [], without: [] };
  for (let count = 0; count <= runs; count += 1) {
    times.with.push(Number(task.run(TIME, names)));
    times.without.push(Number(bare.run(TIME, names)));
  }
  // The first run of each brings the files into memory.
  const median = (list) => list.slice(1).toSorted((left, right) => left - right)[Math.floor(runs / 2)];
  return { with: median(times.with), without: median(times.without) };
}

/** Takes the bytecode out of an unpacked bundle. */
export function removeBytecode(task) {
  run('chmod', ['-R', 'u+w', task.folder]);
  run('find', [task.folder, '-name', '__pycache__', '-prune', '-exec', 'rm', '-r', '{}', '+']);
  run('chmod', ['-R', 'a-w', task.folder]);
}
