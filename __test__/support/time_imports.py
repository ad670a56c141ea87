"""Prints how many seconds importing modules takes. The arguments are the folder of a bundle and the names of the modules."""

import sys
import time

sys.path.insert(0, sys.argv[1])
start = time.perf_counter()
for name in sys.argv[2:]:
    __import__(name)
print(time.perf_counter() - start)
