"""Compiles the sources that arrive on standard input, until it ends.

Exists because only CPython knows how CPython compiles, and because starting an interpreter costs as much
as compiling several files: one process compiles many. `py_compile` and `compileall` do not help: they
read the source from a file and write files.

It reads requests:
    length, path at run time, length, source
and answers each with the identity of this interpreter:
    length, implementation and version, 4 bytes of magic number
and one of
    b"c", 8 bytes of source hash, length, marshalled code
    b"n", length, the reason why it does not compile
Lengths are 4 bytes, little-endian; texts are UTF-8.
"""

import sys

# With `-c`, Python puts the current folder first on the path: a file named `types.py` in it must not be
# imported. (`-I` would prevent that, but also ignore the fixed hash seed; `-P` came with 3.11.)
sys.path[:] = [folder for folder in sys.path if folder]

import importlib.util  # noqa: E402
import marshal  # noqa: E402


def read_field(stream):
    """Reads a length, and as many bytes; None at the end of the input."""
    length = stream.read(4)
    if not length:
        return None
    return stream.read(int.from_bytes(length, "little"))


def field(content):
    """The content with its length before it."""
    return len(content).to_bytes(4, "little") + content


def version():
    """The full version as package tools spell it, such as 3.13.5 or 3.15.0b1."""
    info = sys.version_info
    suffix = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info.releaselevel)
    return "{}.{}.{}".format(*info[:3]) + ("{}{}".format(suffix, info.serial) if suffix else "")


def answer(source, path):
    """Compiles one source."""
    try:
        # No `from __future__` of this file may apply, and asserts and docstrings stay, whatever this
        # interpreter was started with.
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
        marshalled = marshal.dumps(code)
    # After any error (a syntax error, a null byte, an unknown encoding), the file ships without bytecode. A
    # MemoryError is one of them: the parser raises it for nesting that is too deep.
    except Exception as error:
        reason = "{}: {}".format(type(error).__name__, error)
        return b"n" + field(reason.encode("utf-8", "backslashreplace"))
    return b"c" + importlib.util.source_hash(source) + field(marshalled)


def main():
    """Answers until the input ends."""
    requests = sys.stdin.buffer
    answers = sys.stdout.buffer
    name = "{} {}".format(sys.implementation.name, version())
    identity = field(name.encode("utf-8")) + importlib.util.MAGIC_NUMBER
    while True:
        path = read_field(requests)
        if path is None:
            return
        answers.write(identity + answer(read_field(requests), path.decode("utf-8")))
        answers.flush()


main()
