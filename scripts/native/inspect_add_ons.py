"""Looks at add-ons and executables before they are published: CPU and format, what they need of the system, what they export, and paths
of the machine.

    python inspect_add_ons.py OLDEST_GLIBC OLDEST_MACOS CHECKOUT [PLATFORM FILE]...

Prints a line about each, and fails if one of them is not as its name says.
"""

import gzip
import os
import re
import sys
from pathlib import Path

import lief

# What Node asks of an add-on.
EXPORT = "napi_register_module_v1"

# The libraries of each system that an add-on may need.
LIBRARIES = {
    "gnu": r"lib(c|m|dl|rt|pthread|gcc_s)\.so\.\d|ld-linux-.*\.so\.\d",
    "musl": r"libc\.(musl-.*\.)?so(\.\d)?",
    "darwin": r"/usr/lib/(libSystem\.B|libcharset\.1|libiconv\.2|libobjc\.A)\.dylib|/System/Library/Frameworks/.*",
    "win32": r"(?i)(kernel32|ntdll|msvcrt|ws2_32|userenv|advapi32|bcrypt|bcryptprimitives|ole32|shell32|crypt32|secur32|user32|combase|oleaut32|api-ms-win-.*|libgcc_s_.*)\.dll",
}

CPUS = {
    ("ELF", "x64"): lief.ELF.ARCH.X86_64,
    ("ELF", "arm64"): lief.ELF.ARCH.AARCH64,
    ("MACHO", "x64"): lief.MachO.Header.CPU_TYPE.X86_64,
    ("MACHO", "arm64"): lief.MachO.Header.CPU_TYPE.ARM64,
    ("PE", "x64"): lief.PE.Header.MACHINE_TYPES.AMD64,
}


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def inspect(platform: str, file: Path, oldest_glibc: str, oldest_macos: str, checkout: str) -> tuple[str, list[str]]:
    """What the file is, and what is wrong with it."""
    system, cpu, *libc = platform.split("-")
    is_add_on = file.suffix == ".node"
    binary = lief.parse(str(file))
    content = file.read_bytes()
    wrong = []
    facts = [f"{len(content) / 1e6:.1f} MB, {len(gzip.compress(content)) / 1e6:.1f} MB compressed"]

    wanted_format = {"linux": "ELF", "darwin": "MACHO", "win32": "PE"}[system]
    if binary is None or binary.format.name != wanted_format:
        return file.name, [f"is no {wanted_format}"]
    machine = {
        "ELF": lambda: binary.header.machine_type,
        "MACHO": lambda: binary.header.cpu_type,
        "PE": lambda: binary.header.machine,
    }[wanted_format]()
    if machine != CPUS[wanted_format, cpu]:
        wrong.append(f"is for {machine}")

    if is_add_on:
        names = {function.name.removeprefix("_") for function in binary.exported_functions}
        if wanted_format == "PE":
            names = {entry.name for entry in binary.get_export().entries}
        if EXPORT not in names:
            wrong.append(f"does not export `{EXPORT}`")
        facts.append(f"{len(names)} exported")

    allowed = LIBRARIES[libc[0] if system == "linux" else system]
    if system == "linux" and not is_add_on:
        # An executable is static.
        allowed = ""
    libraries = [str(getattr(library, "name", library)) for library in binary.libraries]
    # On macOS, a library is among those that it names.
    others = [library for library in libraries if not library.endswith(file.name)]
    wrong.extend(f"needs `{library}`" for library in others if not re.fullmatch(allowed, library))

    if libc == ["gnu"]:
        found = {
            requirement.name.removeprefix("GLIBC_")
            for needed in binary.symbols_version_requirement
            for requirement in needed.get_auxiliary_symbols()
            if requirement.name.startswith("GLIBC_")
        }
        newest = max(found, key=version)
        facts.append(f"glibc {newest}")
        if version(newest) > version(oldest_glibc):
            wrong.append(f"needs glibc {newest}")
    if wanted_format == "MACHO":
        build = binary.build_version or binary.version_min
        minimum = ".".join(map(str, (build.minos if hasattr(build, "minos") else build.version)[:2]))
        facts.append(f"macOS {minimum}")
        if version(minimum) > version(oldest_macos):
            wrong.append(f"needs macOS {minimum}")
        if cpu == "arm64" and not binary.has_code_signature:
            wrong.append("has no signature, without which macOS starts nothing on arm64")

    # With the separator: the home of root is also the start of `/roots.rs`.
    paths = [path for path in (checkout, str(Path.home())) if f"{path}{os.sep}".encode() in content]
    wrong.extend(f"has the path `{path}` of this machine in it" for path in paths)
    return f"{file.name}: {', '.join(facts)}", wrong


def main() -> None:
    oldest_glibc, oldest_macos, checkout, *files = sys.argv[1:]
    is_good = True
    for platform, file in zip(files[::2], files[1::2]):
        line, wrong = inspect(platform, Path(file), oldest_glibc, oldest_macos, checkout)
        print(line)
        for problem in wrong:
            print(f"  {problem}")
        is_good = is_good and not wrong
    sys.exit(0 if is_good else 1)


main()
