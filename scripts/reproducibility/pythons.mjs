// Interpreters for the proof: the one that Debian brings, another build of the same version, and those of version
// managers.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { downloadSource, ensurePrograms } from '../debian.mjs';
import { root, run } from '../tools.mjs';

/** The full version of an interpreter. */
export function fullVersion(interpreter) {
  return run(interpreter, ['-c', 'import platform; print(platform.python_version())']).trim();
}

/**
 * Another build of the same version as an interpreter of Debian's: the authors' sources without Debian's patches, with
 * another compiler setting, elsewhere. Takes some minutes, once.
 *
 * @param interpreter such as `/usr/bin/python3.11`
 * @returns `{ interpreter }`, or `{ reason }` where it cannot be had
 */
export function ensureOtherBuild(interpreter) {
  const name = path.basename(interpreter);
  if (!/^\/usr\/bin\/python3\.\d+$/.test(interpreter)) {
    return { reason: `Debian has no sources of ${interpreter}` };
  }
  const version = fullVersion(interpreter);
  const target = path.join(root, `.tools/cpython-${version}`);
  const other = path.join(target, 'bin', name);
  if (existsSync(path.join(target, 'ready'))) {
    return { interpreter: other };
  }
  const missing = ensurePrograms({ gcc: 'gcc', make: 'make', dpkg: 'dpkg' });
  if (missing !== undefined) {
    return { reason: missing };
  }
  mkdirSync(path.join(root, '.tools'), { recursive: true });
  const work = mkdtempSync(path.join(root, '.tools/cpython-'));
  try {
    downloadSource(name, work);
    const archive = readdirSync(work).find((file) => /\.orig\.tar\.\w+$/.test(file));
    if (!archive?.includes(`_${version}.`)) {
      return { reason: `Debian's sources are ${archive}, and the interpreter is ${version}` };
    }
    const source = path.join(work, 'source');
    mkdirSync(source);
    run('tar', ['-C', source, '--strip-components=1', '-xf', path.join(work, archive)]);
    const settings = ['--quiet', `--prefix=${target}`, '--without-ensurepip', '--disable-test-modules'];
    // Little optimised: another build in fact, and a quick one.
    run('./configure', settings, { cwd: source, env: { ...process.env, OPT: '-O1 -DNDEBUG -Wall' } });
    run('make', ['--silent', '-j2'], { cwd: source });
    run('make', ['--silent', 'altinstall'], { cwd: source });
    writeFileSync(path.join(target, 'ready'), '');
    return { interpreter: other };
  } catch (error) {
    return { reason: `it cannot be built: ${error.message.split('\n').at(-1)}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
