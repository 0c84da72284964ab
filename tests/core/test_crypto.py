"""What is sealed opens in its own place, under its own key, and nowhere else."""

import base64
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import (
    CannotOpen,
    DataKey,
    KeyRing,
    Signer,
    make_key_file,
    new_master_key,
    new_token,
    token_hash,
)
from core.errors import StartError

PLACE = b"1:2:visitor"


def ring(*keys: bytes) -> KeyRing:
    return KeyRing(list(keys))


@given(st.binary(max_size=500), st.binary(max_size=50))
def test_what_is_sealed_opens(plain: bytes, place: bytes) -> None:
    key = DataKey(secrets.token_bytes(32))
    sealed = key.seal(plain, place)
    assert key.open(sealed, place) == plain
    assert key.seal(plain, place) != sealed


def test_moved_changed_or_cut_text_does_not_open() -> None:
    key = DataKey(secrets.token_bytes(32))
    sealed = key.seal(b"He strangled her.", PLACE)
    assert b"strangled" not in sealed
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for wrong, place in (
        (sealed, b"1:3:visitor"),
        (changed, PLACE),
        (sealed[:-1], PLACE),
        (sealed[:20], PLACE),
        (sealed[:7], PLACE),
    ):
        with pytest.raises(CannotOpen):
            key.open(wrong, place)
    with pytest.raises(CannotOpen):
        DataKey(secrets.token_bytes(32)).open(sealed, PLACE)


def test_rotation_keeps_what_was_wrapped_before() -> None:
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    key, wrapped = ring(old).new_data_key()
    sealed = key.seal(b"text", PLACE)
    assert ring(new, old).unwrap(wrapped).open(sealed, PLACE) == b"text"
    _, wrapped_now = ring(new, old).new_data_key()
    ring(new).unwrap(wrapped_now)
    with pytest.raises(CannotOpen):
        ring(new).unwrap(wrapped)


def test_text_alone_opens_in_its_place_only() -> None:
    keys = ring(secrets.token_bytes(32))
    sealed = keys.seal_alone(b"a comment", b"feedback:7")
    assert keys.open_alone(sealed, b"feedback:7") == b"a comment"
    with pytest.raises(CannotOpen):
        keys.open_alone(sealed, b"feedback:8")


def test_key_file_holds_keys_and_remarks(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    old = ring(base64.b64decode(first := new_master_key()))
    path.write_text(f"# the newest first\n{new_master_key()}\n\n{first}\n")
    _, wrapped = old.new_data_key()
    KeyRing.from_file(path).unwrap(wrapped)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but a remark",
        "not base64!",
        base64.b64encode(b"short").decode(),
        base64.b64encode(bytes(32)).decode(),
        "é",
    ],
)
def test_key_that_is_none_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.keys"
    path.write_text(text, "utf-8")
    with pytest.raises(StartError, match="MASTER_KEYS_FILE") as refused:
        KeyRing.from_file(path)
    assert len(text) < 10 or text not in str(refused.value)


def test_short_secret_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("x" * 31)
    with pytest.raises(StartError, match="SECRET_KEY_FILE is too short"):
        Signer.from_file(path)
    with pytest.raises(StartError, match="cannot be read"):
        Signer.from_file(tmp_path / "nowhere")


def test_made_key_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    make_key_file(path, "first")
    make_key_file(path, "second")
    assert path.read_text() == "first"
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_proof_of_one_purpose_proves_no_other() -> None:
    signer = Signer(secrets.token_bytes(32))
    token = signer.token("csrf", "session:a")
    assert signer.is_token("csrf", "session:a", token)
    assert not signer.is_token("csrf", "session:b", token)
    assert not signer.is_token("audit", "session:a", token)
    assert not Signer(secrets.token_bytes(32)).is_token("csrf", "session:a", token)


@pytest.mark.parametrize("token", ["", "x", "é" * 43, "\ud800", "A" * 100_000])
def test_made_up_proof_is_none(token: str) -> None:
    assert not Signer(secrets.token_bytes(32)).is_token("csrf", "session:a", token)


def test_tokens_are_long_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)
    assert len({token_hash(token) for token in tokens}) == 100
    assert len(token_hash("\ud800 from a cookie")) == 32
