// The usual recipe, against which the limits are measured: uv syncs a package into its own environment and compiles it; then
// all of its site-packages is copied to CDK, which hashes and later zips the copy.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from '../__test__/support/tools.mjs';

/** The recipe for one package, as CDK's `ILocalBundling`. */
export class Recipe {
  #settings;

  /**
   * @param packageName the member; by it, CDK tells two recipes apart
   * @param settings the workspace's folder, the folder of the environment, uv, its Python, and whether the package is to
   *   be built again
   */
  constructor(packageName, settings) {
    this.packageName = packageName;
    this.#settings = settings;
  }

  tryBundle(outputDir) {
    const { workspace, environment, uv, python, reinstall } = this.#settings;
    const selection = ['--frozen', '--no-dev', '--no-editable', '--package', this.packageName];
    const again = reinstall ? ['--reinstall-package', this.packageName] : [];
    run(uv, ['sync', '--quiet', ...selection, '--compile-bytecode', '--python', python, ...again], {
      cwd: workspace,
      env: { ...process.env, UV_PROJECT_ENVIRONMENT: environment },
    });
    copyContents(sitePackages(environment), outputDir);
    return true;
  }
}

function sitePackages(environment) {
  if (process.platform === 'win32') {
    return path.join(environment, 'Lib/site-packages');
  }
  const [python] = fs.readdirSync(path.join(environment, 'lib')).filter((name) => name.startsWith('python'));
  return path.join(environment, 'lib', python, 'site-packages');
}

/** Copies with `cp`: Node's own copy of a folder is much slower. */
function copyContents(from, to) {
  if (process.platform === 'win32') {
    fs.cpSync(from, to, { recursive: true });
  } else {
    run('cp', ['-R', `${from}/.`, to]);
  }
}
