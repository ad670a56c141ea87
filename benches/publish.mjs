// Zips folders as the `cdk` command does when it publishes assets, all in one process, and prints the seconds. It has the same
// library, settings and loop; but the command asks S3 first.
//
//   node benches/publish.mjs <path of yazl> <[[folder, zip], ...] as JSON>
//
// Source: `zipDirectory` in the package `aws-cdk`.

import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { finished } from 'node:stream/promises';

const [library, folders] = process.argv.slice(2);
const { ZipFile } = createRequire(import.meta.url)(library);

async function zipDirectory(folder, target) {
  const zip = new ZipFile();
  const output = zip.outputStream.pipe(fs.createWriteStream(target));
  const names = fs.readdirSync(folder, { recursive: true });
  for (const name of names) {
    const file = path.join(folder, name);
    const status = await fs.promises.stat(file);
    if (status.isFile()) {
      const data = await fs.promises.readFile(file);
      zip.addBuffer(data, name, { mtime: new Date(1980, 0, 1), mode: status.mode, forceDosTimestamp: true });
    }
  }
  zip.end();
  await finished(output);
}

const start = performance.now();
// Several at once, as the command publishes them.
await Promise.all(JSON.parse(folders).map(([folder, zip]) => zipDirectory(folder, zip)));
process.stdout.write(String((performance.now() - start) / 1000));
