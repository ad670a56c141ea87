// Packs a release from what is built, into `dist/npm` and `dist/python`:
//
// - `uv-lambda-cdk`: everything that is the same on all platforms;
// - `@uv-lambda-cdk/binding-<platform>`: the add-on of a platform. npm installs the one that fits;
// - `@uv-lambda-cdk/container`: the executables that build in containers, which a machine of any platform may start;
// - the wheel: all of it, since the kernel of jsii runs no npm.
//
// It builds nothing, and fails if something is missing or was built from other sources.

import * as fs from 'node:fs';
import path from 'node:path';
import { root, run } from '../../__test__/support/tools.mjs';
import { buildWheel } from '../python-package.mjs';
import { ADD_ONS_FOLDER } from '../native/inspect-add-ons.mjs';
import { ALL_ADD_ONS, COMMON_FILES, EXECUTABLES, wrongArtefacts } from './artefacts.mjs';

const wrong = wrongArtefacts(ALL_ADD_ONS);
if (wrong.length > 0) {
  console.error(`${wrong.join('\n')}\nRun \`npm run build\`, \`npm run build:all\` and \`npm run build:executables\`.`);
  process.exit(1);
}

/** What a user may have to download, in bytes. */
const LIMITS = { npm: 12e6, pip: 40e6 };

const staging = path.join(root, 'dist/staging');
const packed = path.join(root, 'dist/npm');
for (const folder of [staging, packed]) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
}

function writeManifest(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function readManifest(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

/** Runs a command of napi in the staging folder. */
function napi(...args) {
  const program = path.join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
  run(process.execPath, [program, ...args, '--npm-dir', 'npm'], { cwd: staging });
}

/** The package of the executables. It takes the common fields from `manifest`. Returns its folder. */
function stageContainer({ name, version, license, author, repository, engines }) {
  const folder = path.join(staging, 'npm/container');
  fs.mkdirSync(folder, { recursive: true });
  writeManifest(folder, {
    name: `@${name}/container`,
    version,
    description: `The executables of ${name} that build in containers`,
    ...{ license, author, repository, engines },
    files: EXECUTABLES.map((file) => path.basename(file)),
    // A container engine mounts the folder, so the files may not stay in an archive, as Yarn would have it.
    preferUnplugged: true,
  });
  fs.writeFileSync(
    path.join(folder, 'README.md'),
    `# \`@${name}/container\`\n\nThe executables of [${name}](https://www.npmjs.com/package/${name}) for Linux that build in containers.\n`,
  );
  for (const executable of EXECUTABLES) {
    const copy = path.join(folder, path.basename(executable));
    fs.copyFileSync(executable, copy);
    fs.chmodSync(copy, 0o755);
  }
  return folder;
}

/** The packages of all platforms, and the main package, which names them. */
function stage() {
  for (const name of COMMON_FILES) {
    fs.cpSync(path.join(root, name), path.join(staging, name), { recursive: true });
  }
  // What only a checkout needs.
  const { scripts, devDependencies, workspaces, ...manifest } = readManifest(root);
  const container = stageContainer(manifest);
  const dependencies = { [readManifest(container).name]: manifest.version };
  writeManifest(staging, { ...manifest, dependencies });
  napi('create-npm-dirs');
  napi('artifacts', '--output-dir', ADD_ONS_FOLDER);
  // napi copies them into the main package too.
  for (const addOn of ALL_ADD_ONS) {
    fs.rmSync(path.join(staging, path.basename(addOn)));
  }
  napi('pre-publish', '--skip-optional-publish');
}

/** Packs a staged package. */
function pack(folder) {
  fs.copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  run('npm', ['pack', '--silent', '--pack-destination', packed], { cwd: folder });
}

/** Shows what a user has to download. Throws if it is more than the limit. */
function checkSize(user, files, limit) {
  const shown = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  const sizes = files.map((file) => [path.basename(file), fs.statSync(file).size]);
  const whole = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`${user}: ${shown(whole)} (${sizes.map(([name, size]) => `${name} ${shown(size)}`).join(', ')})`);
  if (whole > limit) {
    throw new Error(`${user}: ${shown(whole)} to download, and ${shown(limit)} are allowed`);
  }
}

/** Shows what a user of each platform has to download, from npm and from PyPI. */
function checkSizes() {
  const files = (folder, end) =>
    fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(end))
      .map((name) => path.join(folder, name));
  const [bindings, common] = [true, false].map((isBinding) =>
    files(packed, '.tgz').filter((file) => file.includes('-binding-') === isBinding),
  );
  for (const binding of bindings) {
    checkSize('npm', [binding, ...common], LIMITS.npm);
  }
  checkSize('pip', files(path.join(root, 'dist/python'), '.whl'), LIMITS.pip);
}

stage();
const folders = fs.readdirSync(path.join(staging, 'npm')).map((name) => path.join(staging, 'npm', name));
for (const folder of [...folders, staging]) {
  pack(folder);
}
buildWheel({ addOns: ALL_ADD_ONS });
checkSizes();
