"""The build backend of sdists that tests make. It needs no other package.

`backend.json` beside it says what it builds: `name` and `version`, and perhaps `fails` (the text with which the build fails),
`native` (the name of a file of machine code that gets into the wheel), `requires` (build requirements that it finds out) or `spy` (a
file to which each build adds what it sees of its surroundings, as a line of JSON).
The wheel has what the build sees of its surroundings in `<module>/surroundings.json`.
"""

import json
import os
import zipfile


def settings():
    with open("backend.json") as file:
        return json.load(file)


def get_requires_for_build_wheel(config_settings=None):
    return settings().get("requires", [])


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    about = settings()
    if "fails" in about:
        raise RuntimeError(about["fails"])
    module = about["name"].replace("-", "_")
    tag = about.get("tag", "py3-none-any")
    home = os.path.expanduser("~")
    surroundings = {"variables": dict(os.environ), "home": os.listdir(home), "config": config_settings}
    if "spy" in about:
        with open(about["spy"], "a") as file:
            file.write(json.dumps(surroundings) + "\n")
    files = {f"{module}/surroundings.json": json.dumps(surroundings)} if about.get("looks") else {}
    if "native" in about:
        files[about["native"]] = b"\x7fELF machine code"
    for file in sorted(os.listdir(module)):
        with open(os.path.join(module, file)) as source:
            files[f"{module}/{file}"] = source.read()
    info = f"{module}-{about['version']}.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: pure 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    rows = "".join(f"{file},,\n" for file in files)
    files[f"{info}/RECORD"] = f"{rows}{info}/RECORD,,\n"
    name = f"{module}-{about['version']}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for file, contents in files.items():
            wheel.writestr(file, contents)
    return name
