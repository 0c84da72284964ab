"""The data folder of one running service: made private to this user, and held by one service at a time.

The lock is the kernel's (flock), so it goes with the process that holds it, however that ends.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StartError


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Make the folder if it is missing and hold it until the block ends; a second service gets a StartError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("a")
    except OSError as error:
        raise StartError(
            f"DATA_DIR cannot be used: {error.strerror}. Set it to a folder that can be written."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"Dutyline already runs with the data in {data_dir}. Stop it, or set DATA_DIR and PORT to others."
            ) from None
        yield
