"""What a process of the service tells its allocators: to keep little that is not in use.

glibc gives each thread a heap of its own, up to eight a core, and returns little of them; with the threads of the
database and of the index that is a third of all memory (docs/performance.md). Python's collector is told that what is
there after the start stays. On systems without these settings nothing happens.
"""

import ctypes
import gc

M_TRIM_THRESHOLD, M_ARENA_MAX = -1, -8
"""Numbers of mallopt(3)."""

MOST_ARENAS = 2
RETURNED_FROM_BYTES = 128 * 1024


def keep_few_heaps() -> None:
    """To be called before there are threads: two heaps for all of them, and what is free at their end is returned."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        # Not glibc.
        return
    mallopt(M_ARENA_MAX, MOST_ARENAS)
    mallopt(M_TRIM_THRESHOLD, RETURNED_FROM_BYTES)


def collect_less_often() -> None:
    """What is there now stays until the end, and thousands of sockets stay for hours: look through them rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
