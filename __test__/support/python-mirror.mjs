// A mirror of the Pythons that uv downloads, for machines that do not reach the real ones.
//
// No registry has a CPython of a chosen patch, so the archives hold a stand-in: a copy of an interpreter of this machine that
// reports another patch. The number is all that differs: it compiles as the original does. So the tests show which Python is chosen,
// downloaded and refused, and not that the bytecode of two patches differs.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { sha256 } from './files.mjs';
import { listen } from './servers.mjs';
import { fullVersion, root, run } from './tools.mjs';

/** The addresses that uv replaces by that of a mirror begin with this. */
const RELEASES = 'https://github.com/astral-sh/python-build-standalone/releases/download';

/** Folders of the standard library that a stand-in needs not. */
const LEFT_OUT = new Set([
  'site-packages',
  'dist-packages',
  'test',
  'idlelib',
  'tkinter',
  'turtledemo',
  'ensurepip',
  'pydoc_data',
  '__pycache__',
]);

/** The beginning of a module that every Python imports first, which changes the version that it reports. */
const PREFIX = (from, to) => `
import sys as _sys
class _Version(tuple):
    major, minor, micro, releaselevel, serial = (property(lambda self, i=i: self[i]) for i in range(5))
_sys.version = _sys.version.replace("${from} ", "${to} ", 1)
_sys.version_info = _Version((${to.split('.').join(', ')}, "final", 0))
_sys.hexversion = (${to.split('.')[0]} << 24) | (${to.split('.')[1]} << 16) | (${to.split('.')[2]} << 8) | 0xF0
`;

/** The archive of a stand-in: a copy of an interpreter that reports the version `reported`. Made once for each pair of versions. */
export function standIn(interpreter, reported) {
  const version = fullVersion(interpreter);
  const archives = path.join(root, '.tools/stand-in-pythons');
  const archive = path.join(archives, `python-${version}-as-${reported}.tar.gz`);
  if (fs.existsSync(archive)) {
    return archive;
  }
  const [prefix, name, program] = run(interpreter, [
    ...['-I', '-c'],
    'import os, sys; print(sys.base_prefix); print("python%d.%d" % sys.version_info[:2]); print(os.path.realpath(sys.executable))',
  ])
    .trim()
    .split('\n');
  fs.mkdirSync(archives, { recursive: true });
  const work = fs.mkdtempSync(path.join(archives, 'work-'));
  try {
    const library = path.join(work, 'python/lib', name);
    fs.cpSync(path.join(prefix, 'lib', name), library, {
      recursive: true,
      filter: (file) => !LEFT_OUT.has(path.basename(file)) && !path.basename(file).startsWith('config-'),
    });
    fs.mkdirSync(path.join(library, 'site-packages'));
    const first = path.join(library, 'encodings/__init__.py');
    fs.writeFileSync(first, PREFIX(version, reported) + fs.readFileSync(first, 'utf8'));
    const bin = path.join(work, 'python/bin');
    fs.mkdirSync(bin);
    fs.copyFileSync(program, path.join(bin, name));
    for (const alias of ['python3', 'python']) {
      fs.symlinkSync(name, path.join(bin, alias));
    }
    const unfinished = path.join(work, 'archive.tar.gz');
    run('tar', ['-czf', unfinished, '-C', work, 'python']);
    fs.renameSync(unfinished, archive);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return archive;
}

/**
 * Starts a mirror that has one Python, for the time of a test.
 *
 * @param version the version for which uv downloads it
 * @param contents the bytes of the archive
 * @param hash the SHA-256 in the list of uv
 * @param answer gets the response instead, if the mirror does something else than to send the archive
 * @returns `{ variables, requests }`: the variables by which uv uses the mirror, and how often the archive was asked for
 */
export async function startPythonMirror(test, { uv, folder, version, archive, hash = sha256(archive), answer }) {
  const contents = fs.readFileSync(archive);
  let requests = 0;
  const { host, close } = await listen((request, response) => {
    requests += 1;
    if (answer) {
      answer(response, contents, requests);
    } else {
      response.writeHead(200, { 'content-length': contents.length }).end(contents);
    }
  });
  test.after(close);
  const [known] = JSON.parse(run(uv, ['python', 'list', '--only-downloads', '--output-format', 'json', version]));
  const [major, minor, patch] = version.split('.').map(Number);
  const list = path.join(folder, `list-${host.split(':')[1]}.json`);
  const python = {
    name: 'cpython',
    arch: { family: known.arch, variant: null },
    os: known.os,
    libc: known.libc,
    ...{ major, minor, patch, prerelease: '', variant: null },
    url: `${RELEASES}/python.tar.gz`,
    sha256: hash,
  };
  fs.writeFileSync(list, JSON.stringify({ [known.key]: python }));
  return {
    variables: { UV_PYTHON_DOWNLOADS_JSON_URL: list, UV_PYTHON_INSTALL_MIRROR: `http://${host}` },
    requests: () => requests,
  };
}
