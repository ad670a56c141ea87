// The bytecode of CPythons that run as WebAssembly: most machines lack the newest versions, and npm has them. They compile their
// standard library and real packages with `compile.py`. `tests/bytecode.rs` brings that into the canonical form, and
// `compare.py` loads it in the same interpreter.
//
// It cannot show everything. The interpreter is a 32-bit build with another mathematical library: it does not run the code that a
// 64-bit build has for integers, and a power of floats that it folds may differ in the last bit.

import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, write } from './support/files.mjs';
import { PYODIDE_CROWD, PYODIDE_PYTHONS, ensurePyodide, runPyodide } from './support/pyodide.mjs';
import { installFromPyPI, root, run } from './support/tools.mjs';
import { readZip } from './support/zips.mjs';

const fixtures = path.join(root, 'tests/fixtures/bytecode');
const source = path.join(root, 'src/bytecode');

/** Pure Python of several authors: 300 modules. */
const PACKAGES = [
  'click==8.1.8',
  'fastapi==0.115.12',
  'jinja2==3.1.6',
  'pydantic==2.11.3',
  'rich==14.0.0',
  'starlette==0.46.2',
];

/** The processes that compile the same sources. They differ in the order, in the hash seed, and in the other objects that are alive. */
const PROCESSES = {
  alone: { hashSeed: '1', inOrder: (files) => files },
  crowded: { hashSeed: '2', inOrder: shuffled, before: [PYODIDE_CROWD] },
};

/** A fixed shuffle: every seventh, round and round. */
function shuffled(files) {
  return [0, 1, 2, 3, 4, 5, 6].flatMap((start) => files.filter((_, index) => index % 7 === start));
}

/** The paths of all Python sources below a folder, sorted. */
function sourcesBelow(folder) {
  const files = fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.py'));
  return files.sort().map((name) => path.join(folder, name));
}

/** The requests of sources, as `compile.py` reads them. */
function requestsOf(files) {
  const fields = files.flatMap((file) => [Buffer.from(`/var/task/${path.basename(file)}`), fs.readFileSync(file)]);
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(field.length);
      return [length, field];
    }),
  );
}

/** The version of the interpreter that gave answers, as `compile.py` names it. */
function versionIn(answers) {
  const bytes = fs.readFileSync(answers);
  return bytes.toString('utf8', 4, 4 + bytes.readUInt32LE(0)).replace('cpython ', '');
}

for (const version of PYODIDE_PYTHONS) {
  test(`CPython ${version} as WebAssembly: every process gives the same bytes, which mean what they meant`, (t) => {
    const folder = temporaryFolder(t);
    const sources = path.join(folder, 'sources');
    for (const [name, content] of Object.entries(readZip(path.join(ensurePyodide(version), 'python_stdlib.zip')))) {
      if (name.endsWith('.py')) {
        write(path.join(sources, 'library', name), content);
      }
    }
    installFromPyPI(path.join(sources, 'packages'), PACKAGES, ['--no-deps', '--no-compile']);
    const files = [...sourcesBelow(sources), path.join(fixtures, 'features.py')];
    assert.ok(files.length > 800, `${files.length} sources`);

    const recorded = path.join(folder, 'recorded');
    const runProgram = (program, others) => runPyodide(version, { program, folders: [folder], ...others });
    for (const [name, { inOrder, ...others }] of Object.entries(PROCESSES)) {
      const ordered = inOrder(files);
      const [list, input, output] = ['files', 'requests', 'answers'].map((file) => path.join(recorded, name, file));
      write(list, ordered.join('\n'));
      write(input, requestsOf(ordered));
      runProgram(path.join(source, 'compile.py'), { input, output, ...others });
    }

    const fullVersion = versionIn(path.join(recorded, 'alone/answers'));
    assert.ok(fullVersion.startsWith(`${version}.`), fullVersion);
    write(path.join(recorded, 'version'), fullVersion);
    const cargoTest = ['test', '--quiet', '--release', '--test', 'bytecode'];
    run('cargo', [...cargoTest, '--', '--ignored', '--exact', 'recorded_processes_give_the_same_bytes'], {
      cwd: root,
      env: { ...process.env, BYTECODE_RECORDED: recorded },
    });

    const input = path.join(recorded, 'compare');
    const output = path.join(recorded, 'compared');
    runProgram(path.join(fixtures, 'compare.py'), { input, output });
    const compared = Number(fs.readFileSync(output, 'utf8'));
    t.diagnostic(`${fullVersion}: ${compared} of ${files.length} modules compared`);
    assert.equal(compared, fs.readFileSync(input, 'utf8').trimEnd().split('\n').length);
  });
}
