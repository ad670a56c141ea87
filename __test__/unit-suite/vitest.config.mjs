import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  test: {
    // CDK's own check of templates. `cdk synth` runs it anyway, and loading it takes longer than everything else.
    env: { CDK_VALIDATION: 'false' },
    // A cache would be in the checkout.
    cache: false,
    // In an app, the package is in `node_modules`, which vitest does not transform. Here it is the checkout.
    server: { deps: { external: [/\/(index|binding)\.js$/, /\/construct\//] } },
  },
});
