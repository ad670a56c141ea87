// A CPython for machines that have none. uv would download one there that needs nothing of the machine and runs with any glibc and
// with musl. A rehearsal cannot count on the site that has them, so this makes one like them out of an interpreter of this machine.

import * as fs from 'node:fs';
import path from 'node:path';
import { fullVersion, run } from '../../__test__/support/tools.mjs';

/** The name of the folder that uv has for a CPython, below `uv/python` in the folder of the user's data. */
export const managedName = (interpreter, libc) => `cpython-${fullVersion(interpreter)}-linux-x86_64-${libc}`;

/**
 * Makes a copy of an interpreter and of every library of this machine that it loads, glibc included.
 *
 * @param folder a folder that does not exist
 * @param place the path that the folder has where the copy is used
 */
export function copyPython(interpreter, folder, place) {
  const [prefix, version] = run(interpreter, [
    ...['-I', '-c'],
    'import sys; print(sys.base_prefix); print("%d.%d" % sys.version_info[:2])',
  ])
    .trim()
    .split('\n');
  const name = `python${version}`;
  const program = path.join(prefix, 'bin', name);
  const library = path.join('lib', name);
  const copied = path.join(folder, library);
  // Nothing that was installed into it, and neither its tests nor its windows.
  const left = new Set(['site-packages', 'dist-packages', 'test', 'idlelib', 'tkinter', '__pycache__']);
  fs.cpSync(path.join(prefix, library), copied, {
    recursive: true,
    filter: (file) => !left.has(path.basename(file)) && !path.basename(file).startsWith('_tkinter.'),
  });
  fs.mkdirSync(path.join(copied, 'site-packages'), { recursive: true });

  const extensions = path.join(copied, 'lib-dynload');
  const modules = fs.readdirSync(extensions).map((file) => path.join(extensions, file));
  const needed = new Set(run('ldd', [program, ...modules]).match(/\/\S+\.so\S*(?= \(0x)/g));
  const libraries = path.join(folder, 'system');
  fs.mkdirSync(libraries);
  for (const file of needed) {
    fs.copyFileSync(file, path.join(libraries, path.basename(file)));
  }
  fs.copyFileSync(program, path.join(folder, 'program'));

  // Started by the loader of this machine's glibc, it takes its libraries from there, and what it starts does not.
  const [loader] = [...needed].map((file) => path.basename(file)).filter((file) => file.startsWith('ld-linux'));
  const system = `${place}/system`;
  const bin = path.join(folder, 'bin');
  fs.mkdirSync(bin);
  fs.writeFileSync(
    path.join(bin, name),
    `#!/bin/sh\nexec "${system}/${loader}" --library-path "${system}" --argv0 "$0" "${place}/program" "$@"\n`,
    { mode: 0o755 },
  );
  for (const alias of ['python3', 'python']) {
    fs.symlinkSync(name, path.join(bin, alias));
  }
}
