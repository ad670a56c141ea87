#!/usr/bin/env node
'use strict';

// The command line: the core parses, works and prints.

const { runCli } = require('./binding.js');

process.exitCode = runCli(process.argv.slice(2));
