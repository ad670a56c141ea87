export { snapshot } from './support/files.mjs';
export * from './support/toolchain.mjs';
export { fixture } from './support/workspaces.mjs';
export { unzip } from './support/zips.mjs';
