// Where two zips differ.

import { run } from '../tools.mjs';

const PROGRAM = `
import sys, zipfile
left, right = (zipfile.ZipFile(path) for path in sys.argv[1:3])
contents = [{info.filename: archive.read(info) for info in archive.infolist()} for archive in (left, right)]
lines = []
for there, other, word in ((contents[0], contents[1], 'gone'), (contents[1], contents[0], 'new')):
    lines += [f'{name} is {word}' for name in there if name not in other]
for name in contents[0].keys() & contents[1].keys():
    before, after = contents[0][name], contents[1][name]
    if before != after:
        byte = next((i for i, (a, b) in enumerate(zip(before, after)) if a != b), min(len(before), len(after)))
        lines.append(f'{name} differs from byte {byte} on ({before[byte:byte + 24]!r}, {after[byte:byte + 24]!r})')
if not lines:
    lines = [
        f'{a.filename}: {field} {getattr(a, field)} and {getattr(b, field)}'
        for a, b in zip(left.infolist(), right.infolist())
        for field in ('filename', 'date_time', 'external_attr', 'compress_size', 'header_offset')
        if getattr(a, field) != getattr(b, field)
    ]
print(f'{len(lines)} entries differ')
print('\\n'.join(sorted(lines)[:8]))
`;

/** The entries in which two zips differ, in words. */
export function compareZips(left, right, python) {
  return run(python, ['-c', PROGRAM, left, right]).trim();
}
