// Runs before npm publishes a checkout, whose package has the add-on of one platform only.

console.error('This is a checkout: publish the packages that `npm run release:pack` makes, as CONTRIBUTING.md says.');
process.exit(1);
