"""Finds the browser that the page tests drive: the machine's own Chromium, Chrome or Edge, never a download."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
MAC_APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


class NoBrowserError(Exception):
    """This machine has no browser that the tests can drive."""


def find_chromium() -> Path:
    """Return the program that `CHROMIUM` names, or the first that is installed."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    for name in NAMES:
        if on_path := shutil.which(name):
            return Path(on_path)
    for application in MAC_APPLICATIONS:
        if Path(application).exists():
            return Path(application)
    raise NoBrowserError("No Chromium here. Install it (apt-get install chromium), or name a browser in CHROMIUM.")
