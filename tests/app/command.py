"""What a test calls `dutyline` with, and what comes of it."""

import subprocess
from collections.abc import Callable

Ended = subprocess.CompletedProcess[str]
Dutyline = Callable[..., Ended]
