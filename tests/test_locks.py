"""The lock files say what pyproject.toml asks for, and nothing about the machine that wrote them."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.forks import ROOT

LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))


def locked(lock: str) -> dict[str, list[str]]:
    """Every version of each package: there are two where it depends on the Python."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^ ]+)", (ROOT / lock).read_text(), re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def asked(*groups: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    texts = [
        *project["project"]["dependencies"],
        *(text for group in groups for text in project["dependency-groups"][group]),
    ]
    return [Requirement(text) for text in texts]


def is_met(wanted: Requirement, versions: dict[str, list[str]]) -> bool:
    found = versions.get(canonicalize_name(wanted.name), [])
    return bool(found) and all(map(wanted.specifier.contains, found))


@pytest.mark.parametrize(("lock", "groups"), [("requirements.lock", ()), ("requirements-dev.lock", ("dev", "bench"))])
def test_lock_holds_what_is_asked_for(lock: str, groups: tuple[str, ...]) -> None:
    versions = locked(lock)
    stale = [str(wanted) for wanted in asked(*groups) if not is_met(wanted, versions)]
    assert stale == [], "run setup/lock"


def test_tests_run_on_the_versions_that_are_served() -> None:
    developer = locked("requirements-dev.lock")
    assert [name for name, versions in locked("requirements.lock").items() if developer.get(name) != versions] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address_and_a_hash_for_each_package(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:])
