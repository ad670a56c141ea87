// The types of the package: those of its TypeScript. They are written once, in `construct`.
export * from './construct/index';
