"""Keys: what is written at rest, and what proves that a page or cookie is ours.

Each conversation has a data key (AES-256-GCM); the data key is wrapped by the first master key and unwrapped by any of
them, so rotation re-wraps keys and never bodies. Every sealed text is bound to its place by additional data: a row
that is moved elsewhere does not open. Destroying a wrapped key destroys the text.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import StartError

NONCE_BYTES = 12
KEY_BYTES = 32


class CannotOpen(Exception):
    """A sealed text does not open: another key, another place, or tampering."""


class DataKey:
    """Seals and opens texts of one conversation (or one other owner)."""

    __slots__ = ("_cipher", "_mac_key")

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._mac_key = hmac.digest(key, b"mac", "sha256")

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Nonce and ciphertext. `place` says where the text belongs and is needed to open it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            # ValueError for what is too short to hold a nonce.
            raise CannotOpen from None

    def mac(self, data: bytes) -> bytes:
        """What tells the same text again without holding it."""
        return hmac.digest(self._mac_key, data, "sha256")


class KeyRing:
    """The master keys: the first wraps, all unwrap."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = [DataKey(key) for key in keys]

    @classmethod
    def from_file(cls, path: Path) -> "KeyRing":
        """One base64 key of 32 bytes a line, the newest first; lines that begin with # are ignored."""
        lines = [line.strip() for line in _read_secret(path, "MASTER_KEYS_FILE").splitlines()]
        keys = [_decode_key(line) for line in lines if line and not line.startswith("#")]
        if not keys:
            raise StartError("MASTER_KEYS_FILE holds no key. Make one with: openssl rand -base64 32")
        return cls(keys)

    def new_data_key(self) -> tuple[DataKey, bytes]:
        """A fresh data key, and the same key wrapped for storing."""
        raw = secrets.token_bytes(KEY_BYTES)
        return DataKey(raw), self._keys[0].seal(raw, b"data-key")

    def unwrap(self, wrapped: bytes) -> DataKey:
        for key in self._keys:
            try:
                return DataKey(key.open(wrapped, b"data-key"))
            except CannotOpen:
                continue
        raise CannotOpen

    def seal_alone(self, plain: bytes, place: bytes) -> bytes:
        """Seal a text that belongs to no conversation, such as a comment on an article."""
        data_key, wrapped = self.new_data_key()
        return len(wrapped).to_bytes(2) + wrapped + data_key.seal(plain, place)

    def open_alone(self, sealed: bytes, place: bytes) -> bytes:
        end = 2 + int.from_bytes(sealed[:2])
        return self.unwrap(sealed[2:end]).open(sealed[end:], place)

    def maybe_open_alone(self, sealed: bytes, place: bytes) -> bytes | None:
        """None when it was sealed under a key that is gone, or is damaged."""
        try:
            return self.open_alone(sealed, place)
        except CannotOpen:
            return None


class Signer:
    """Proofs made from the secret key: form tokens, audit chain, address hashes. One purpose never proves another."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_file(cls, path: Path) -> "Signer":
        secret = _read_secret(path, "SECRET_KEY_FILE").strip().encode()
        if len(secret) < KEY_BYTES:
            raise StartError("SECRET_KEY_FILE is too short. Make one with: openssl rand -base64 48")
        return cls(secret)

    def mac(self, purpose: str, data: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + data, "sha256")

    def token(self, purpose: str, binding: str) -> str:
        return base64.urlsafe_b64encode(self.mac(purpose, binding.encode())).decode().rstrip("=")

    def is_token(self, purpose: str, binding: str, token: str) -> bool:
        return hmac.compare_digest(self.token(purpose, binding).encode(), token.encode("utf-8", "surrogatepass"))


def new_token() -> str:
    """256 random bits for a cookie; only its hash is stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def make_key_file(path: Path, text: str) -> None:
    """Write a secret with mode 0600; an existing file is never replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def new_master_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _decode_key(line: str) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES or len(set(key)) < 8:
        raise StartError("MASTER_KEYS_FILE holds a line that is not a random key of 32 bytes in base64.")
    return key


def _read_secret(path: Path, setting: str) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise StartError(f"{setting} names a file that cannot be read.") from None
