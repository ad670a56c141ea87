// The executables of this package: those that build inside containers, and the one that reaches a remote cache from this machine. They
// are found without links, since a container engine mounts their folder.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = realpathSync(join(__dirname, '..'));

/** The `container` folder of this package. */
export const CONTAINER = join(ROOT, 'container');

/** The folder of an npm package of ours, as seen from some folders; `undefined` if it is not installed. */
function folderOfPackage(name: string, from: string[]): string | undefined {
  try {
    return dirname(realpathSync(require.resolve(`@uv-lambda-cdk/${name}/package.json`, { paths: from })));
  } catch {
    return undefined;
  }
}

/**
 * The folder of an executable that builds inside a container, or `undefined` if it is not installed. These are in a package of their
 * own, which npm installs beside this one. In a checkout (`npm run build:executables`) and in the package for Python they are in this
 * package.
 */
export function folderOfExecutable(name: string): string | undefined {
  return existsSync(join(CONTAINER, name)) ? CONTAINER : folderOfPackage('container', [__dirname]);
}

/**
 * The executable that reaches a remote cache from this machine; `undefined` if it is not installed, or is of another version. It is
 * larger than all the rest, so users install it by name: `@uv-lambda-cdk/remote-cache` brings the package of the platform. An app in
 * Python installs it where the app starts. In a checkout, `npm run build:remote-cache` makes it.
 */
export function remoteCacheHelper(): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  const name = `uv-lambda-cdk-remote-cache-${platform}${process.platform === 'win32' ? '.exe' : ''}`;
  const built = join(ROOT, 'dist/remote-cache', name);
  if (existsSync(built)) {
    return built;
  }
  const outer = folderOfPackage('remote-cache', [__dirname, process.cwd()]);
  const folder = outer && folderOfPackage(`remote-cache-${platform}`, [outer]);
  const isOurs = folder && versionIn(folder) === versionIn(ROOT) && existsSync(join(folder, name));
  return isOurs ? join(folder, name) : undefined;
}

function versionIn(folder: string): string {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;
}
