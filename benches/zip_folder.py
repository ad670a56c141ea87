"""Zips a folder, where a machine has no `zip`. The arguments are the folder, the zip and the level."""

import os
import sys
import zipfile

folder, target, level = sys.argv[1:]
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=int(level)) as archive:
    for parent, _, files in os.walk(folder):
        for file in files:
            path = os.path.join(parent, file)
            archive.write(path, os.path.relpath(path, folder))
