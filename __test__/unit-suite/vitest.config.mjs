import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  test: {
    // CDK's own check of templates, which `cdk synth` makes anyway: loading it takes more than all else together.
    env: { CDK_VALIDATION: 'false' },
    // What a cache remembers would lie in the checkout.
    cache: false,
    // In an app, the package lies in `node_modules`, and vitest leaves it alone. Here it is the checkout around.
    server: { deps: { external: [/\/(index|binding)\.js$/, /\/construct\//] } },
  },
});
