'use strict';

// The public door. Everything but the constructs works without CDK, so what needs `aws-cdk-lib` is loaded when it is first asked
// for. The getters have the one shape that Node recognises when it looks for the names that an ES module may import:
// `get: function () { return object.name; }`.

const { readdirSync, realpathSync } = require('node:fs');

refuseOtherVersion(requireBuilt('./binding.js'));
const functions = requireBuilt('./construct/functions.js');

exports.bundle = functions.bundle;
exports.bundleAll = functions.bundleAll;
exports.bundleSync = functions.bundleSync;
exports.explain = functions.explain;
exports.explainSync = functions.explainSync;
exports.verify = functions.verify;
exports.verifySync = functions.verifySync;
exports.diffSync = functions.diffSync;
exports.UvBundler = requireBuilt('./construct/uv-bundler.js').UvBundler;

const constructs = {
  get PythonLambdaFunction() {
    return requireWithCdk('./construct/function.js').PythonLambdaFunction;
  },
  get PythonLambdaImageFunction() {
    return requireWithCdk('./construct/image-function.js').PythonLambdaImageFunction;
  },
  get PythonLambdaLayer() {
    return requireWithCdk('./construct/layer.js').PythonLambdaLayer;
  },
  get PythonLambdaCode() {
    return requireWithCdk('./construct/code.js').PythonLambdaCode;
  },
  get UvBundling() {
    return requireWithCdk('./construct/uv-bundling.js').UvBundling;
  },
};

Object.defineProperty(exports, 'PythonLambdaFunction', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaFunction;
  },
});
Object.defineProperty(exports, 'PythonLambdaImageFunction', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaImageFunction;
  },
});
Object.defineProperty(exports, 'PythonLambdaLayer', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaLayer;
  },
});
Object.defineProperty(exports, 'PythonLambdaCode', {
  enumerable: true,
  get: function () {
    return constructs.PythonLambdaCode;
  },
});
Object.defineProperty(exports, 'UvBundling', {
  enumerable: true,
  get: function () {
    return constructs.UvBundling;
  },
});

/** Loads a file that a checkout does not have until it is built. */
function requireBuilt(file) {
  try {
    return require(file);
  } catch (error) {
    if (isMissing(error, file)) {
      throw new Error(
        `uv-lambda-cdk is not built: \`${file}\` is missing. Run \`npm run build\` in \`${__dirname}\`.`,
        { cause: error },
      );
    }
    throw error?.message?.includes('native binding') ? addOnNotLoaded(error) : error;
  }
}

/** The error if the add-on is missing or cannot be loaded. The text of the loader's own error is about a bug of npm. */
function addOnNotLoaded(error) {
  const causes = [];
  for (let cause = error.cause; cause; cause = cause.cause) {
    causes.push(cause.message);
  }
  return new Error(
    `uv-lambda-cdk cannot load its add-on for ${process.platform} ${process.arch}${whyNotLoaded(causes)}`,
    { cause: error },
  );
}

function whyNotLoaded(causes) {
  // The kernel of jsii sees the package by a link.
  const folder = realpathSync(__dirname);
  // What the dynamic linker says of a file that it may not execute.
  if (causes.some((message) => message.includes('failed to map segment'))) {
    return `, since \`${folder}\` is on a file system that is mounted \`noexec\`: install the package on another file system. A CDK app in Python finds it in the cache of jsii: name another folder in JSII_RUNTIME_PACKAGE_CACHE_ROOT.`;
  }
  const failure = causes.find((message) => !/^(Cannot find module|Unsupported)/.test(message));
  if (failure !== undefined) {
    return `: ${failure}`;
  }
  // npm has a package for each platform; the package for Python has a file for each; a checkout has what was built in it.
  const packages = Object.keys(require('./package.json').optionalDependencies ?? {});
  const here = `${process.platform}-${process.arch}`;
  const missing = packages.filter((name) => new RegExp(`binding-${here}(-|$)`).test(name));
  if (missing.length > 0) {
    return `: the package ${missing.map((name) => `\`${name}\``).join(' or ')} is not installed. A package manager leaves it out if optional dependencies are off (\`--omit=optional\`, \`--no-optional\`), or if \`node_modules\` comes from another platform: install again on this machine, with optional dependencies.`;
  }
  const names = packages.length > 0 ? packages : readdirSync(folder).filter((name) => name.endsWith('.node'));
  return names.length === 0
    ? `: \`${folder}\` has none. Run \`npm run build\` in it.`
    : `: there is none for this platform. There are ${names.map((name) => `\`${name}\``).join(', ')}: run \`cdk synth\` on one of these platforms.`;
}

/** Refuses an add-on of another version: options and answers of the two may differ in anything. */
function refuseOtherVersion(binding) {
  const { version } = require('./package.json');
  if (binding.version() !== version) {
    throw new Error(
      `uv-lambda-cdk is version ${version}, and the add-on that it found is version ${binding.version()}: install the package again. In a checkout, run \`npm run build\`.`,
    );
  }
}

/** Loads a file that needs CDK, which the app brings. */
function requireWithCdk(file) {
  try {
    return requireBuilt(file);
  } catch (error) {
    if (isMissing(error, 'aws-cdk-lib') || isMissing(error, 'constructs')) {
      throw new Error('The constructs of uv-lambda-cdk need CDK. Run `npm install aws-cdk-lib constructs`.', {
        cause: error,
      });
    }
    throw error;
  }
}

/** Whether `error` says that exactly this module is missing, and not one that it needs in turn. */
function isMissing(error, module) {
  return (
    error?.code === 'MODULE_NOT_FOUND' &&
    new RegExp(`'${module.replaceAll('.', '\\.')}(/[^']*)?'`).test(error.message.split('\n')[0])
  );
}
