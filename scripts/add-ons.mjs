// The platforms that have an add-on, each by the name that napi gives it, with the Rust target that it is built for.

/** The oldest glibc that an add-on for Linux runs with: that of Amazon Linux 2 is newer. */
export const OLDEST_GLIBC = '2.17';

/** The oldest macOS. */
export const OLDEST_MACOS = '11.0';

export const ADD_ONS = {
  'linux-x64-gnu': { target: 'x86_64-unknown-linux-gnu', linker: 'zig' },
  'linux-arm64-gnu': { target: 'aarch64-unknown-linux-gnu', linker: 'zig' },
  'linux-x64-musl': { target: 'x86_64-unknown-linux-musl', linker: 'zig' },
  'linux-arm64-musl': { target: 'aarch64-unknown-linux-musl', linker: 'zig' },
  'darwin-x64': { target: 'x86_64-apple-darwin', linker: 'zig' },
  'darwin-arm64': { target: 'aarch64-apple-darwin', linker: 'zig' },
  // The ABI of Node's add-ons is C, which both of Rust's targets for Windows have alike.
  'win32-x64-msvc': { target: 'x86_64-pc-windows-gnu', linker: 'mingw' },
};
