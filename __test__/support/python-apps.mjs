// CDK apps in Python: the wheel of this package, and the environments that have it.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './tools.mjs';

/** The folder of the wheel that `npm run build:python` makes. */
export const WHEELS = path.join(root, 'dist/python');

/** The wheel of this package. */
export function wheel() {
  const [name] = readdirSync(WHEELS).filter((file) => file.endsWith('.whl'));
  return path.join(WHEELS, name);
}

/** Installs the app of `examples-python`, or of a copy of it, with the wheel as it is now. The workspace has to be locked. */
export function installExampleApp(folder, { uv, python }) {
  // For uv, a wheel of a version that it knows is the one that it knows.
  const flags = ['--quiet', '--frozen', '--package', 'demo-cdk', '--reinstall-package', 'uv-lambda-cdk'];
  run(uv, ['sync', ...flags, '--python', python], { cwd: folder });
}
