"""A build backend that leaks secrets: into the metadata of the wheel, or into its output when it fails.

`backend.json` beside it says how: `secret` is the password in the address of a dependency, `fails` whether the build fails,
and `username` a name that is joined with each text before it is encoded.
"""

import base64
import json
import os
import urllib.parse
import zipfile

OWN = ("pyproject.toml", "backend.py", "backend.json")


def print_everything(username):
    netrc = os.path.expanduser("~/.netrc")
    known = list(os.environ.values())
    if os.path.exists(netrc):
        with open(netrc) as file:
            known += file.read().split()
    for text in known:
        pair = f"{username}:{text}".encode()
        print(text, urllib.parse.quote(text), urllib.parse.quote(text, safe=""), json.dumps(text), repr(text))
        print(base64.b64encode(pair).decode(), base64.urlsafe_b64encode(text.encode()).decode())


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open("backend.json") as file:
        settings = json.load(file)
    if settings["fails"]:
        print_everything(settings["username"])
        raise RuntimeError(f"no wheel, and the environment is {dict(os.environ)}")
    address = f"https://u:{settings['secret']}@a.test/a.whl"
    name = "app-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for file in sorted(os.listdir(".")):
            if os.path.isfile(file) and file not in OWN:
                wheel.write(file)
        for file, text in {
            "WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "METADATA": f"Metadata-Version: 2.1\nName: app\nVersion: 1.0\nRequires-Dist: a @ {address}\n",
            "RECORD": "",
        }.items():
            wheel.writestr("app-1.0.dist-info/" + file, text)
    return name
