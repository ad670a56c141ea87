// What `__test__/platforms.long.mjs` needs to run Node of other platforms on a Debian for x86-64. Nothing of it is installed: it is
// unpacked in `.tools`, and apt reads and writes lists of its own there. The steps belong to `scripts/prepare-machine.mjs`.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { LIBRARIES, WINE, WINE_VARIABLES } from '../__test__/support/foreign-node.mjs';
import { root, run } from '../__test__/support/tools.mjs';

/** The Debian of the libraries. The musl of Debian 12 crashes with the Nodes of today. */
const RELEASE = 'trixie';

/** glibc and the C++ library for arm64, and musl for both CPUs. */
const PACKAGES = ['libc6:arm64', 'libgcc-s1:arm64', 'libstdc++6:arm64', 'musl:amd64', 'musl:arm64'];

/** Makes a folder by `fill`, unless it is complete. */
function once(folder, fill) {
  const ready = path.join(folder, 'ready');
  if (!fs.existsSync(ready)) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    fill();
    fs.writeFileSync(ready, '');
  }
}

/** Unpacks the C libraries of other CPUs and of musl, from a mirror of Debian. */
export function unpackLibraries(mirror) {
  once(LIBRARIES, () => {
    const state = path.join(LIBRARIES, 'apt');
    fs.mkdirSync(path.join(state, 'lists/partial'), { recursive: true });
    fs.mkdirSync(path.join(state, 'archives/partial'), { recursive: true });
    fs.writeFileSync(path.join(state, 'status'), '');
    const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
    fs.writeFileSync(
      path.join(state, 'sources.list'),
      `deb [target=Packages signed-by=${key}] ${mirror} ${RELEASE} main\n`,
    );
    const options = [
      `Dir::Etc::sourcelist=${state}/sources.list`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${state}/lists`,
      `Dir::State::status=${state}/status`,
      `Dir::Cache=${state}`,
      'APT::Architectures=amd64,arm64',
      // The folder need not be open to the user that apt downloads as.
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    run('apt-get', [...options, '--quiet', 'update'], { cwd: state });
    run('apt-get', [...options, '--quiet', 'download', ...PACKAGES], { cwd: state });
    for (const archive of fs.readdirSync(state).filter((name) => name.endsWith('.deb'))) {
      run('dpkg', ['-x', path.join(state, archive), LIBRARIES]);
    }
    fs.rmSync(state, { recursive: true });
    // Debian has this link in a package of its own. Programs look for their loader there.
    fs.symlinkSync('usr/lib', path.join(LIBRARIES, 'lib'));
  });
}

/** Makes a Windows of Wine's, with a Python, and with the library that programs made by Rust want and Wine 8 lacks. */
export function makeWindows() {
  once(WINE, () => {
    const wine = (...args) => run('wine', args, { env: { ...process.env, ...WINE_VARIABLES } });
    wine('wineboot', '--init');
    wine('winecfg', '-v', 'win10');
    const sources = path.join(root, '__test__/support/wine');
    const compile = (target, source, ...flags) =>
      run('x86_64-w64-mingw32-gcc', ['-O1', '-Wall', '-o', target, path.join(sources, source), ...flags]);
    const drive = path.join(WINE, 'drive_c');
    compile(path.join(drive, 'windows/system32/bcryptprimitives.dll'), 'bcryptprimitives.c', '-shared', '-ladvapi32');
    const python = path.join(drive, 'python');
    fs.mkdirSync(python);
    compile(path.join(python, 'python.exe'), 'python.c', '-lws2_32', '-lshell32');
    // uv makes no environment without it.
    fs.copyFileSync(path.join(python, 'python.exe'), path.join(python, 'pythonw.exe'));
  });
}
