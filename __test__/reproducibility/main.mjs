// Shows that the bytes of a bundle depend on its contents alone: builds the same bundles under conditions that differ
// in one thing at a time, then in all at once, and compares. Then imports them as Lambda does. Exits with 1 if
// anything differs.
//
//   npm run test:reproducibility -- [--quick] [--workspace fixture|example|big|learning] [--only <part of a variation's name>|imports]
//                                   [--no-build]

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { copyPackage } from '../support/files.mjs';
import { importAll, removeBytecode, timeImports, unpackTask } from '../support/imports.mjs';
import { availablePythons, ensureUv, preferredPython, root, run, systemPython } from '../support/tools.mjs';
import { compareZips } from '../support/zips.mjs';
import { baseScene, build, cleanUp, copyExecutable, newFolder } from './scene.mjs';
import { ALL_AT_ONCE, VARIATIONS } from './variations.mjs';
import { WORKSPACES } from './workspaces.mjs';

const { values: settings } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    workspace: { type: 'string', multiple: true, default: Object.keys(WORKSPACES) },
    only: { type: 'string' },
    'no-build': { type: 'boolean', default: false },
  },
});

if (!settings['no-build']) {
  run('node', [path.join(root, 'scripts/build.mjs')], { show: true });
}
run('node', [path.join(root, 'scripts/prepare-machine.mjs')], { show: true });
const work = fs.realpathSync(newFolder(os.tmpdir(), 'uv-lambda-cdk-reproducibility'));
const tools = {
  package: copyPackage(path.join(work, 'package')),
  uv: copyExecutable(ensureUv(), path.join(work, 'uv')),
  cache: path.join(work, 'cache'),
  executable: buildExecutable(),
};

/** The executable of the command line; `undefined` if it does not build. */
function buildExecutable() {
  try {
    const args = ['build', '--quiet', '--release', '--no-default-features', '--bin', 'uv-lambda-cdk'];
    run('cargo', args, { cwd: root });
    return copyExecutable(path.join(root, 'target/release/uv-lambda-cdk'), path.join(work, 'uv-lambda-cdk'));
  } catch (error) {
    console.error(error.message);
    return undefined;
  }
}

/** An interpreter that other users may run and that a container can have too; else any interpreter. */
function basePython() {
  return systemPython() ?? preferredPython(tools.uv);
}

const counts = { same: 0, different: 0, failed: 0, skipped: 0 };

function row(outcome, seconds, name, detail = '') {
  counts[outcome] += 1;
  const time = seconds === undefined ? '' : `${seconds.toFixed(1)} s`;
  console.log(`  ${outcome.padEnd(9)} ${time.padStart(8)}  ${name}${detail && ` (${detail})`}`);
}

function indented(text) {
  return text.replaceAll(/^/gm, '             ');
}

/** Builds under a variation, and compares the result with the expected one. */
function compare({ name, change, needs }, scene, expected) {
  const reason = needs?.(scene);
  if (reason) {
    row('skipped', undefined, name, reason);
    return;
  }
  const place = newFolder(work, 'variation');
  let changed = { ...scene, cleanups: [] };
  try {
    changed = change(changed, place);
    const bundle = build(changed);
    const isSame = bundle.sha256 === expected.sha256;
    row(isSame ? 'same' : 'different', bundle.seconds, name);
    if (!isSame) {
      console.log(indented(compareZips(expected.zip, bundle.zip, scene.python)));
    }
    fs.rmSync(path.dirname(bundle.zip), { recursive: true });
  } catch (error) {
    row('failed', undefined, name);
    console.log(indented(error.message));
  } finally {
    cleanUp(changed);
    fs.rmSync(place, { recursive: true, force: true });
  }
}

function describeBundle({ sha256, files, zipBytes, python }) {
  return `CPython ${python}, ${files} files, ${(zipBytes / 1e6).toFixed(1)} MB, sha256 ${sha256}`;
}

function vary(scene) {
  const expected = build(scene);
  console.log(`  ${describeBundle(expected)}`);
  const matches = ({ name, quick }) => (!settings.quick || quick) && (!settings.only || name.includes(settings.only));
  const again = { name: 'the same once more', quick: true, change: (same) => same };
  for (const variation of [again, ...VARIATIONS, ALL_AT_ONCE].filter(matches)) {
    compare(variation, scene, expected);
  }
}

/** Builds for another Python, imports the bundle as Lambda does, and measures the time with and without bytecode. */
function importWith([pythonVersion, python], base, imports) {
  const scene = { ...base, pythonVersion, python };
  const bundle = build(scene);
  console.log(`  ${describeBundle(bundle)}`);
  if (python !== base.python) {
    compare(ALL_AT_ONCE, scene, bundle);
  }
  const [task, bare] = [unpackTask(bundle.zip, python, work), unpackTask(bundle.zip, python, work)];
  try {
    removeBytecode(bare);
    const start = Date.now();
    const { modules, fromBytecode, compiled, elsewhere, failed } = importAll(task, imports);
    const isGood = [compiled, elsewhere, failed].every((list) => list.length === 0) && modules <= fromBytecode;
    row(
      isGood ? 'same' : 'failed',
      (Date.now() - start) / 1000,
      `imports at ${task.seen}, read-only`,
      `${modules} modules, ${fromBytecode} from bytecode, ${compiled.length} compiled`,
    );
    for (const problem of [...compiled, ...elsewhere, ...failed].slice(0, 8)) {
      console.log(indented(problem));
    }
    const times = timeImports(task, bare, imports);
    const less = (100 * (1 - times.with / times.without)).toFixed(0);
    console.log(
      `             import: ${times.with.toFixed(2)} s with bytecode, ${times.without.toFixed(2)} s without: ${less} % less`,
    );
  } finally {
    task.remove();
    bare.remove();
    fs.rmSync(path.dirname(bundle.zip), { recursive: true });
  }
}

const [pythonVersion, python] = basePython();
const start = Date.now();
try {
  for (const name of settings.workspace) {
    const { title, packageName, hooks, create, imports } = WORKSPACES[name];
    const workspace = path.join(work, name);
    create(workspace, { ...tools, python });
    const scene = baseScene({ ...tools, work, workspace, packageName, hooks, pythonVersion, python });
    console.log(`\n${title}`);
    vary(scene);
    if (imports !== undefined && [undefined, 'imports'].includes(settings.only)) {
      const pythons = availablePythons(tools.uv).filter(([version]) => version !== '3.9');
      const others = pythons.filter(([version]) => version !== pythonVersion).toReversed();
      console.log('\nThe same for other Pythons, and imported');
      for (const other of [[pythonVersion, python], ...(settings.quick ? [] : others)]) {
        importWith(other, scene, imports);
      }
    }
  }
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
console.log(
  `\n${Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')}, ${((Date.now() - start) / 60_000).toFixed(1)} min`,
);
process.exitCode = counts.different + counts.failed > 0 ? 1 : 0;
