"""Imports modules of an unpacked bundle, and prints as JSON which were compiled and which came from bytecode.

The arguments are the folder of the bundle and the names of the modules.
"""

import importlib
import importlib._bootstrap_external as machinery
import json
import marshal
import sys

task, names = sys.argv[1], sys.argv[2:]
compiled, loaded, failed = [], [], []
original_compile, original_load = machinery.SourceLoader.source_to_code, machinery._compile_bytecode


def source_to_code(self, data, path, **others):
    compiled.append(path)
    return original_compile(self, data, path, **others)


def _compile_bytecode(data, name=None, bytecode_path=None, source_path=None):
    # Read here because Python corrects the file name afterwards.
    loaded.append((source_path, marshal.loads(data).co_filename))
    return original_load(data, name, bytecode_path, source_path)


machinery.SourceLoader.source_to_code, machinery._compile_bytecode = source_to_code, _compile_bytecode
sys.path.insert(0, task)
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append(f"{name}: {error}")


def is_bundled(path):
    return (path or "").startswith(task + "/")


files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
print(
    json.dumps(
        {
            "modules": len([file for file in files if is_bundled(file) and file.endswith(".py")]),
            "fromBytecode": len({path for path, _ in loaded if is_bundled(path)}),
            "compiled": [path for path in compiled if is_bundled(path)],
            "elsewhere": [
                name for path, name in loaded if is_bundled(path) and name != "/var/task" + path[len(task) :]
            ],
            "failed": failed,
        }
    )
)
