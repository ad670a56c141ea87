export * from '../__test__/support/invoke.mjs';
