export * from '../__test__/support/files.mjs';
export * from '../__test__/support/tools.mjs';
