// The platforms that have an add-on, each by the name that napi gives it, the executables, and how a machine builds them.

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

/**
 * The executables: the platform of each, by its name. Those for Linux are static, and run with every C library. The first two build in
 * containers. The others reach a remote cache, with crates that are larger than all the rest.
 */
export const EXECUTABLES = {
  'uv-lambda-cdk-x86_64': 'linux-x64-musl',
  'uv-lambda-cdk-arm64': 'linux-arm64-musl',
  'uv-lambda-cdk-remote-cache-linux-x64': 'linux-x64-musl',
  'uv-lambda-cdk-remote-cache-linux-arm64': 'linux-arm64-musl',
  'uv-lambda-cdk-remote-cache-darwin-x64': 'darwin-x64',
  'uv-lambda-cdk-remote-cache-darwin-arm64': 'darwin-arm64',
  'uv-lambda-cdk-remote-cache-win32-x64.exe': 'win32-x64-msvc',
};

/** Whether the executable of this name reaches a remote cache. */
export const reachesRemoteCache = (name) => name.startsWith('uv-lambda-cdk-remote-cache-');

/** The names of the executables that build in containers. */
export const CONTAINER_EXECUTABLES = Object.keys(EXECUTABLES).filter((name) => !reachesRemoteCache(name));

/** The name of the executable that reaches a remote cache from a platform, as in `linux-x64`. */
export const helperFor = (platform) =>
  Object.keys(EXECUTABLES).find((name) => reachesRemoteCache(name) && EXECUTABLES[name].startsWith(platform));

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

/**
 * How a machine builds an executable, as `recipe` says it of an add-on.
 *
 * @param name a name of `EXECUTABLES`
 * @param machine the system of the machine that builds, as in `process.platform`
 */
export function executableRecipe(name, machine) {
  const platform = EXECUTABLES[name];
  if (platform.startsWith('linux')) {
    // Zig builds a static executable on every system, and `crt-static` is the default.
    return { target: ADD_ONS[platform], linker: 'zig', flags: [] };
  }
  if (platform.startsWith('darwin')) {
    // The certificates of the system are read through Apple's frameworks, which Zig lacks.
    return machine === 'darwin' ? { target: ADD_ONS[platform], linker: 'native', flags: [] } : undefined;
  }
  return recipe(platform, machine);
}

/** The name of the add-on of a platform. */
export const addOnFile = (platform) => `uv-lambda-cdk.${platform}.node`;
