// A stand-in for Docker, the process that CDK starts. It writes down how it was called and which files it was given, and
// leaves its arguments as the code in `/asset-output`. See container-engine.mjs.

const fs = require('node:fs');
const path = require('node:path');

/**
 * @param calls the file that calls are appended to, as lines of JSON
 * @param status the exit code of `run`
 */
module.exports = function run({ calls, status }) {
  const call = process.argv.slice(2);
  const mounted = (target) =>
    call.find((argument) => argument.endsWith(`:${target}:delegated`))?.slice(0, -`:${target}:delegated`.length);
  fs.appendFileSync(calls, `${JSON.stringify({ call, handed: handedOver(mounted('/uv-lambda-cdk/handover')) })}\n`);
  if (call[0] === 'image') {
    process.exit(1); // No image was made before.
  }
  const copied = call[0] === 'cp' && call[1].endsWith(':/asset-output/.') ? call[2] : undefined;
  const output = mounted('/asset-output') ?? copied;
  if (output !== undefined) {
    fs.writeFileSync(path.join(output, 'code.py'), `# ${call.join(' ')}`);
  }
  if (call[0] === 'run') {
    process.stderr.write('the container engine runs\n');
    process.exit(status);
  }
};

/** The secrets that the container is given by a file, and who can read them. */
function handedOver(folder) {
  return (
    folder && {
      folder,
      modeAround: (fs.statSync(path.dirname(folder)).mode & 0o777).toString(8),
      names: fs.readdirSync(folder),
      contents: JSON.parse(fs.readFileSync(path.join(folder, 'handover.json'), 'utf8')),
    }
  );
}
