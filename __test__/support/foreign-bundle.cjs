// Run by Node of another platform, in a folder in which this package is installed: bundles as `settings.json` says, and writes
// `report.json`.

'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { isMusl, variables, options, requests, output } = JSON.parse(fs.readFileSync('settings.json', 'utf8'));
Object.assign(process.env, variables);

if (isMusl) {
  // The loader of the add-on recognises musl by this program, and here it is that of glibc.
  const { readFileSync } = fs;
  fs.readFileSync = (file, ...others) =>
    file === '/usr/bin/ldd' ? '#!/bin/sh\n# musl\n' : readFileSync(file, ...others);
}

const { bundleSync } = require('uv-lambda-cdk');

const bundles = requests.map((request, number) => {
  const { zipPath, sha256, reused, warnings } = bundleSync(
    { ...options, ...request },
    path.join(output, String(number)),
  );
  return { zipPath, sha256, reused, warnings };
});

const report = {
  node: process.version,
  platform: process.platform,
  cpu: process.arch,
  addOns: Object.keys(require.cache).filter((file) => file.endsWith('.node')),
  bundles,
};
fs.writeFileSync('report.json', JSON.stringify(report));
