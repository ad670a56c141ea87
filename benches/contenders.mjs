// The other ways to make a Lambda zip from a uv project: commands outside of CDK. Each makes the zip of one function, and has
// only its own caches from before.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { root, run } from '../__test__/support/tools.mjs';
import { emptyFolder, zipFolder, zipName } from './tools.mjs';

/** The folders of a contender for one function: `scratch` and `output` are empty. */
function places(contender, name) {
  const [scratch, output] = ['scratch', 'output'].map((part) => emptyFolder('contenders', contender, name, part));
  return { scratch, output, zip: path.join(scratch, `${name}.zip`) };
}

/** The third-party packages of a function and the local ones, pinned as in the lock. */
function exportRequirements({ folder }, name, file, { uv, environment }, options = []) {
  const selection = ['--frozen', '--no-dev', '--no-editable', '--package', name, '--no-hashes', '--no-header'];
  run(uv, ['export', '--quiet', ...selection, ...options, '--output-file', file], { cwd: folder, env: environment });
  // Absolute paths: uv writes them relative to the workspace.
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll(/^\.\//gm, `${folder}/`));
}

function uvPipInstall(workspace, { name }, tools) {
  const { scratch, output, zip } = places('uv-pip', name);
  const requirements = path.join(scratch, 'requirements.txt');
  exportRequirements(workspace, name, requirements, tools);
  // The list is complete. Without `--no-deps`, uv would install the library of the workspace as editable.
  const platform = tools.architecture === 'arm64' ? 'aarch64-manylinux_2_28' : 'x86_64-manylinux_2_28';
  const target = ['--target', output, '--python-platform', platform, '--no-deps'];
  const python = ['--python', tools.python, '--python-version', tools.pythonVersion];
  run(tools.uv, ['pip', 'install', '--quiet', '--requirement', requirements, ...target, ...python], {
    cwd: workspace.folder,
    env: tools.environment,
  });
  return zipFolder(output, zip, tools);
}

/** The builder with a manifest. It only needs the sources and the manifest, so two manifests can be tried. */
function runBuilder({ folder }, name, manifest, { scratch, output }, tools) {
  const source = path.join(folder, 'packages', name, 'src');
  const script = path.join(root, 'benches/run_builder.py');
  const args = [source, output, scratch, manifest, `python${tools.pythonVersion}`, tools.architecture];
  run(path.join(tools.builders.bin, 'python'), [script, ...args], { cwd: scratch, env: tools.environment });
}

function builders(workspace, { name }, tools) {
  const { scratch, output, zip } = places('builders', name);
  const requirements = path.join(scratch, 'requirements.txt');
  exportRequirements(workspace, name, requirements, tools, ['--no-emit-project']);
  runBuilder(workspace, name, requirements, { scratch, output }, tools);
  return zipFolder(output, zip, tools);
}

/** Why the builder does not accept the unchanged project; `undefined` if it does. */
function whyNotFromLock(workspace, { name }, tools) {
  const manifest = path.join(workspace.folder, 'packages', name, 'pyproject.toml');
  try {
    runBuilder(workspace, name, manifest, places('builders-lock', name), tools);
    return undefined;
  } catch (error) {
    return error.message.match(/^error: .*$/m)?.[0] ?? error.message.trim().split('\n').at(-1);
  }
}

function pex(workspace, { name }, tools) {
  const { scratch, output, zip } = places('pex', name);
  const requirements = path.join(scratch, 'requirements.txt');
  exportRequirements(workspace, name, requirements, tools, ['--no-emit-workspace']);
  // pip builds local packages only with a backend from the index, and not every mirror has the newest. That of uv is there.
  const wheels = path.join(scratch, 'wheels');
  for (const member of [name, 'shared-library']) {
    const build = ['build', '--quiet', '--wheel', '--package', member, '--python', tools.python];
    run(tools.uv, [...build, '--out-dir', wheels], { cwd: workspace.folder, env: tools.environment });
  }
  const local = fs.readdirSync(wheels).filter((file) => file.endsWith('.whl'));
  const made = path.join(output, name);
  const create = ['venv', 'create', '--layout', 'flat-zipped', '--dest-dir', made, '--python', tools.python];
  const caches = ['--pex-root', path.join(root, 'benches/.work/pex-root')];
  const packages = ['--requirement', requirements, ...local.map((file) => path.join(wheels, file))];
  run(path.join(tools.pex.bin, 'pex3'), [...create, ...caches, ...packages], {
    cwd: scratch,
    env: tools.environment,
  });
  fs.renameSync(`${made}.zip`, zip);
  return zip;
}

/** uv's own commands and `zip`, which compile nothing. One limit is measured against them. */
export const UV_PIP = { title: `\`uv pip install --target\` and ${zipName.replace(',', '')}`, build: uvPipInstall };

/**
 * The others, as `{ title, build, note }`, or `{ title, missing }` with the reason. `build` makes the zip of a function
 * of a workspace.
 */
export function thirdParty(workspace, tools) {
  const list = [
    {
      title: `${tools.builders.name} (uv workflow) and ${zipName.replace(',', '')}`,
      missing: tools.builders.missing,
      build: builders,
      explain: noteOnBuilders,
    },
    {
      title: `${tools.pex.name} (\`pex3 venv create --layout flat-zipped\`)`,
      missing: tools.pex.missing,
      build: pex,
      explain: () => 'pex gets the wheels of the local packages from `uv build`, which is part of its time.',
    },
  ];
  return list.map((contender) => (contender.missing === undefined ? tried(contender, workspace, tools) : contender));
}

function noteOnBuilders(workspace, tools) {
  const reason = whyNotFromLock(workspace, workspace.functions[0], tools);
  return (
    reason &&
    `aws-lambda-builders does not take a workspace member with a local library from its \`uv.lock\` (it says: ${withoutPaths(reason, workspace)}), so it is given \`requirements.txt\` from \`uv export\`.`
  );
}

/** Builds every function once, to fill the contender's own caches and to see whether it works. */
function tried(contender, workspace, tools) {
  try {
    for (const wanted of workspace.functions) {
      contender.build(workspace, wanted, tools);
    }
    return { ...contender, note: contender.explain(workspace, tools) };
  } catch (error) {
    const said = error.message.trim().split('\n').at(-1);
    return { ...contender, missing: withoutPaths(said, workspace) };
  }
}

/** Removes the path of the checkout from a message. */
function withoutPaths(text, { folder }) {
  return text.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, '').replaceAll(`${root}/`, '');
}
