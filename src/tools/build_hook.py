"""Calls one hook of a build backend (PEP 517).

Exists because a backend is a Python module: only Python can call it. uv would call it too, but with the variables of the
caller, credentials included, and without a word about the versions of the backend.

The only argument is the path of the request, a JSON object:
    backend    the backend, such as "setuptools.build_meta:__legacy__"
    path       the folders in the source that have the backend (`backend-path`), absolute
    hook       the name of the hook
    arguments  its arguments
    answer     the file to which the result is written, as JSON; null for an optional hook that the backend lacks
The current folder is the source.
"""

import importlib
import json
import os
import sys

# Files of the wheel get their modes from files that the backend makes.
os.umask(0o022)

with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)

# Python puts the folder of this script first: the backend must not import from there.
sys.path[:] = request["path"] + sys.path[1:]
# Backends read the arguments of the process, as `setup.py` does.
sys.argv[:] = ["setup.py"]

module, _, attributes = request["backend"].partition(":")
backend = importlib.import_module(module)
for attribute in filter(None, attributes.split(".")):
    backend = getattr(backend, attribute)

if request["hook"] == "build_wheel":
    hook = backend.build_wheel
else:
    hook = getattr(backend, request["hook"], None)
result = hook(*request["arguments"]) if hook else None
with open(request["answer"], "w", encoding="utf-8") as file:
    json.dump(result, file)
