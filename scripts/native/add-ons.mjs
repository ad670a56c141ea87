// The platforms that have an add-on, each by the name that napi gives it, and how a machine builds it.

/** The oldest glibc that an add-on for Linux runs with: that of Amazon Linux 2 is newer. */
export const OLDEST_GLIBC = '2.17';

/** The oldest macOS. */
export const OLDEST_MACOS = '11.0';

/** The Rust target of each platform. */
export const ADD_ONS = {
  'linux-x64-gnu': 'x86_64-unknown-linux-gnu',
  'linux-arm64-gnu': 'aarch64-unknown-linux-gnu',
  'linux-x64-musl': 'x86_64-unknown-linux-musl',
  'linux-arm64-musl': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
  'win32-x64-msvc': 'x86_64-pc-windows-msvc',
};

/** The executables that build in containers, static and for both CPUs: the Rust target of each, by its name. */
export const EXECUTABLES = {
  'uv-lambda-cdk-x86_64': 'x86_64-unknown-linux-musl',
  'uv-lambda-cdk-arm64': 'aarch64-unknown-linux-musl',
};

/**
 * How a machine builds the add-on of a platform: `{ target, linker, flags }`, where `linker` is `native` (cargo alone), `zig` or
 * `mingw`, and `flags` are those of rustc. `undefined` if the machine cannot.
 *
 * @param platform a name of `ADD_ONS`
 * @param machine the system of the machine that builds, as in `process.platform`
 */
export function recipe(platform, machine) {
  const target = ADD_ONS[platform];
  const [system, , libc] = platform.split('-');
  if (machine !== system && machine !== 'linux') {
    return undefined;
  }
  if (system === 'linux') {
    // Zig on Linux too: the compiler of the machine would need the glibc of the machine.
    return { target, linker: 'zig', flags: libc === 'musl' ? ['-Ctarget-feature=-crt-static'] : [] };
  }
  if (system === 'darwin') {
    const flags = [
      // Node has these symbols, and the add-on finds them when it is loaded.
      ...['-Clink-arg=-undefined', '-Clink-arg=dynamic_lookup'],
      // Else the library has the path that it was linked to.
      `-Clink-arg=-Wl,-install_name,@loader_path/uv-lambda-cdk.${platform}.node`,
    ];
    return { target, linker: machine === 'darwin' ? 'native' : 'zig', flags };
  }
  // Without `crt-static`, the add-on needs Microsoft's redistributable, which not every Windows has. The ABI of Node's add-ons is C,
  // which both of Rust's targets for Windows have alike.
  return machine === 'win32'
    ? { target, linker: 'native', flags: ['-Ctarget-feature=+crt-static'] }
    : { target: 'x86_64-pc-windows-gnu', linker: 'mingw', flags: [] };
}

/** The name of the add-on of a platform. */
export const addOnFile = (platform) => `uv-lambda-cdk.${platform}.node`;
