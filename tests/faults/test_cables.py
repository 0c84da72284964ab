"""Asking for what only root can do, without being root, is an error with its reason."""

import os

import pytest

from tests.faults.cables import refuse_without_root

pytestmark = pytest.mark.faults


def test_without_the_right_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PermissionError, match="needs root for network namespaces and mounts; this is user 1000"):
        refuse_without_root()


def test_without_the_tools_it_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda tool: None if tool == "ip" else f"/bin/{tool}")
    with pytest.raises(FileNotFoundError, match="needs ip "):
        refuse_without_root()
