"""Prints what a zip says about each of its entries, as JSON. fflate, which the tests read zips with, hides most of it.

Fails if a checksum is wrong.
"""

import json
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    damaged = archive.testzip()
    if damaged is not None:
        sys.exit(f"the checksum of {damaged} is wrong")
    entries = [
        {
            "name": entry.filename,
            "time": list(entry.date_time),
            "mode": entry.external_attr >> 16,
            "compressedBytes": entry.compress_size,
            "offset": entry.header_offset,
        }
        for entry in archive.infolist()
    ]
print(json.dumps(entries))
