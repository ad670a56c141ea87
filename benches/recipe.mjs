// The recipe that people use today, and that every bar is measured against: uv syncs a package into an environment of
// its own and compiles it, and all of its site-packages is copied to CDK, which hashes and later zips the copy.

import * as fs from 'node:fs';
import * as path from 'node:path';
import { run } from '../__test__/support/tools.mjs';

/** The recipe for one package, as CDK's `ILocalBundling`. */
export class Recipe {
  #settings;

  /**
   * @param packageName the member; also what tells apart two of these for CDK
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

/** With `cp`, since Node's own copy of a folder takes a good deal longer. */
function copyContents(from, to) {
  if (process.platform === 'win32') {
    fs.cpSync(from, to, { recursive: true });
  } else {
    run('cp', ['-R', `${from}/.`, to]);
  }
}
