// Rehearses the Docker fallback of an installed package: it has to find its executable where the package manager put it, and the
// container has to be able to read it. podman stands in for Docker.

import * as fs from 'node:fs';
import path from 'node:path';
import { IMAGE, IMAGE_PYTHON, podmanEnvironment, skipWithoutContainers } from '../../__test__/support/containers.mjs';
import { synthesisedFunctions } from '../../__test__/support/synth.mjs';
import { root, run } from '../../__test__/support/tools.mjs';
import { FIXTURE, addNativePackage } from '../../__test__/support/workspaces.mjs';
import { zipNames } from '../../__test__/support/zips.mjs';

/**
 * Synthesises an app with each installation, in a container. Prints a line for each, or why all are skipped. Throws if a container did
 * not build. The zips may differ, since a compiler writes paths of temporary folders into its files.
 *
 * @param work a folder
 * @param uv the uv that locks the project
 * @param installations the installed packages: `[{ name, project, env, cdk, start }]`. `project` is the folder of a project that has the
 *   package, `cdk` runs the command there, as an array, and `start` is the command that starts an app in a file: `node`, or a Python
 */
export function rehearseContainerFallback({ work, uv, installations }) {
  const reason = skipWithoutContainers();
  if (reason) {
    console.log(`skipped: the Docker fallback: ${reason}`);
    return;
  }
  const workspace = path.join(work, 'native');
  fs.cpSync(FIXTURE, workspace, { recursive: true });
  addNativePackage(workspace, { uv, python: IMAGE_PYTHON });
  for (const { name, project, env, cdk, start } of installations) {
    const started = Date.now();
    const file = start === 'node' ? 'native.cjs' : 'native.py';
    fs.copyFileSync(path.join(root, 'scripts/release/apps', file), path.join(project, file));
    const output = path.join(project, 'native.out');
    const [program, ...args] = cdk;
    const flags = ['--quiet', '--no-notices', '--app', `${start} ${file}`, '--output', output];
    run(program, [...args, 'synth', ...flags], {
      cwd: project,
      env: {
        ...env,
        ...podmanEnvironment,
        CDK_DOCKER: 'podman',
        REHEARSED_WORKSPACE: workspace,
        REHEARSED_IMAGE: IMAGE,
      },
    });
    const [{ zip }] = synthesisedFunctions(output, 'Native');
    // This machine may not compile it: `nativeBuilds` is off.
    if (!zipNames(zip).some((entry) => /^acme_native\..*\.so$/.test(entry))) {
      throw new Error(`${name}: no container compiled \`acme-native\``);
    }
    console.log(`built ${name}, in a container (${((Date.now() - started) / 1000).toFixed(0)} s)`);
  }
}
