#!/usr/bin/env node
'use strict';

// The command line: the core parses, works and prints.

const { runCli, setExecutable } = require('./binding.js');
const { remoteCacheHelper } = require('./construct/executables.js');

const helper = remoteCacheHelper();
if (helper !== undefined) {
  setExecutable(helper);
}

process.exitCode = runCli(process.argv.slice(2));
