// Builds everything that a checkout needs before it can be required: the Node packages, the native core, the
// construct layer.

import { ensureNodePackages, root, run } from './tools.mjs';

ensureNodePackages();
run('npx', ['napi', 'build', '--platform', '--release', '--js', 'binding.js', '--dts', 'binding.d.ts'], {
  cwd: root,
  show: true,
});
run('npx', ['tsc', '--project', 'tsconfig.build.json'], { cwd: root, show: true });
