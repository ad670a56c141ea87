// The executables of this package: for Linux they build inside containers, and the one for this machine reaches a remote cache. They are
// found without links, since a container engine mounts their folder.

import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The `container` folder of this package. */
export const CONTAINER = join(realpathSync(join(__dirname, '..')), 'container');

/** The names of the executables that a machine can start itself, by its platform and CPU. */
const HELPERS: Record<string, { readonly name: string; readonly inPackage: string } | undefined> = {
  'linux-x64': { name: 'uv-lambda-cdk-x86_64', inPackage: 'container' },
  'linux-arm64': { name: 'uv-lambda-cdk-arm64', inPackage: 'container' },
  'darwin-x64': { name: 'uv-lambda-cdk-darwin-x64', inPackage: 'binding-darwin-x64' },
  'darwin-arm64': { name: 'uv-lambda-cdk-darwin-arm64', inPackage: 'binding-darwin-arm64' },
  'win32-x64': { name: 'uv-lambda-cdk-win32-x64.exe', inPackage: 'binding-win32-x64-msvc' },
};

/**
 * The folder of an executable, or `undefined` if it is not installed. It is in a package of its own, which npm installs beside this
 * one; in a checkout (`npm run build:executables`) and in the package for Python it is in this package.
 */
export function folderOfExecutable(name: string, inPackage = 'container'): string | undefined {
  if (existsSync(join(CONTAINER, name))) {
    return CONTAINER;
  }
  try {
    const folder = dirname(realpathSync(require.resolve(`@uv-lambda-cdk/${inPackage}/package.json`)));
    return existsSync(join(folder, name)) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** The executable that reaches a remote cache from this machine; `undefined` if it is not installed. */
export function remoteCacheHelper(): string | undefined {
  const helper = HELPERS[`${process.platform}-${process.arch}`];
  const folder = helper && folderOfExecutable(helper.name, helper.inPackage);
  return folder && join(folder, helper.name);
}
