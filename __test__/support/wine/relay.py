"""Runs a CPython of Linux for the `python.exe` of the tests under Wine (`python.c`, which documents the protocol).

    python3 relay.py INTERPRETER

Listens on a free port of the loopback, prints the port, and serves until it is ended. It translates two things: the paths of
Windows in programs of uv, and the answer to uv's question about the interpreter.
"""

import json
import os
import re
import socketserver
import struct
import subprocess
import sys
import threading

INTERPRETER = sys.argv[1]

# The folder in which Wine has a link for each drive.
DRIVES = os.path.join(os.environ["WINEPREFIX"], "dosdevices")

# A string of Python or JSON that is a path of Windows.
PATH = re.compile(r'"[A-Za-z]:\\\\[^"]*"')

# The first byte of each piece of output.
KINDS = {"stdout": b"\1", "stderr": b"\2"}

# The variables that a build sets.
VARIABLES = ["PYTHONHASHSEED", "SOURCE_DATE_EPOCH"]

LONGEST_PIECE = 1 << 16


def unix_path(path):
    """The path of Linux for a path of Windows."""
    drive, rest = path[:2], path[2:]
    return os.path.realpath(os.path.join(DRIVES, drive.lower())).rstrip("/") + rest.replace("\\", "/")


def with_unix_paths(program):
    """A program of uv's, with the paths of Linux in its strings."""
    return PATH.sub(lambda match: json.dumps(unix_path(json.loads(match[0]))), program)


def environment_of(executable):
    """The folder of the virtual environment that has this executable, and the folder of its base; None for any other executable."""
    folder = executable.rpartition("\\")[0].rpartition("\\")[0]
    settings = unix_path(folder) + "/pyvenv.cfg"
    if not os.path.exists(settings):
        return None
    with open(settings) as file:
        return folder, re.search("^home = (.*)$", file.read(), re.MULTILINE)[1]


def as_on_windows(answer, executable):
    """What uv was told of the interpreter, as a Python for Windows with this executable would have told it."""
    info = json.loads(answer)
    folder = executable.rpartition("\\")[0]
    prefix, base = environment_of(executable) or (folder, folder)
    packages = prefix + "\\Lib\\site-packages"
    info["markers"].update(
        os_name="nt", platform_machine="AMD64", platform_system="Windows", platform_version="10.0.19043", sys_platform="win32"
    )
    info.update(
        sys_base_prefix=base,
        sys_base_exec_prefix=base,
        sys_prefix=prefix,
        sys_base_executable=base + "\\python.exe",
        sys_executable=executable,
        sys_path=[packages],
        site_packages=[packages],
        stdlib=base + "\\Lib",
        extension_suffixes=[".pyd"],
        scheme={
            "platlib": packages,
            "purelib": packages,
            "include": prefix + "\\Include",
            "scripts": prefix + "\\Scripts",
            "data": prefix,
        },
        virtualenv={
            "purelib": "Lib\\site-packages",
            "platlib": "Lib\\site-packages",
            "include": "Include",
            "scripts": "Scripts",
            "data": "",
        },
        os={"name": "windows"},
        manylinux_compatible=False,
    )
    return json.dumps(info).encode()


class Relay(socketserver.StreamRequestHandler):
    def number(self):
        return struct.unpack("<I", self.rfile.read(4))[0]

    def piece(self):
        return self.rfile.read(self.number())

    def handle(self):
        folder, executable, *texts = [self.piece().decode() for _ in range(self.number())]
        end = texts.index("")
        arguments = [with_unix_paths(argument) for argument in texts[:end]]
        environment = dict(text.split("=", 1) for text in texts[end + 1 :] if not text.startswith("="))
        variables = {name: environment[name] for name in VARIABLES if name in environment}
        found = environment_of(executable)
        if found is not None:
            variables["PYTHONPATH"] = unix_path(found[0]) + "/Lib/site-packages"
        self.answers = threading.Lock()
        process = subprocess.Popen(
            [INTERPRETER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=unix_path(folder),
            env={**os.environ, **variables},
        )
        threading.Thread(target=self.carry_input, args=[process.stdin], daemon=True).start()
        if any("get_interpreter_info" in argument for argument in arguments):
            answer = process.stdout.read()
            if process.wait() == 0:
                answer = as_on_windows(answer, executable)
            self.send("stdout", answer)
        carriers = [
            threading.Thread(target=self.carry_output, args=[name, getattr(process, name)]) for name in KINDS
        ]
        for carrier in carriers:
            carrier.start()
        for carrier in carriers:
            carrier.join()
        self.wfile.write(b"\0" + struct.pack("<I", process.wait() & 0xFF))

    def send(self, name, content):
        for start in range(0, len(content), LONGEST_PIECE):
            piece = content[start : start + LONGEST_PIECE]
            with self.answers:
                self.wfile.write(KINDS[name] + struct.pack("<I", len(piece)) + piece)

    def carry_output(self, name, stream):
        while content := stream.read1(LONGEST_PIECE):
            self.send(name, content)

    def carry_input(self, stream):
        # The process may end before it has read everything; then the pipe breaks.
        try:
            while content := self.piece():
                stream.write(content)
                stream.flush()
            stream.close()
        except (OSError, struct.error):
            pass


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
