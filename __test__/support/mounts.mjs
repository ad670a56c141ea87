// File systems of a test's own.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { isRoot, run } from './tools.mjs';

/** The settings of a test that mounts a file system. */
export const withMount = { skip: !isRoot || process.platform !== 'linux' ? 'only root may mount' : false };

/** A new file system in memory; `undefined`, and the test is skipped, if this machine does not allow one. */
export function fileSystem(test, settings) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mounted-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', settings, 'tmpfs', folder]).status === 0;
  test.after(() => {
    if (isMounted) {
      run('umount', [folder]);
    }
    fs.rmdirSync(folder);
  });
  if (!isMounted) {
    test.skip('this machine mounts nothing');
    return undefined;
  }
  return folder;
}
