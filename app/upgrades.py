"""The head of a request as it would be had nobody asked for another protocol (RFC 9110, 7.8: what is not taken is ignored)."""

from collections.abc import Sequence

OF_UPGRADES = frozenset({b"upgrade", b"http2-settings"})


def without_upgrade(method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Names of headers come in lower case."""
    lines = [b"%b %b HTTP/%b" % (method, target, version.encode())]
    for name, value in headers:
        kept = _others(value) if name == b"connection" else value
        if name not in OF_UPGRADES and (kept or name != b"connection"):
            lines.append(b"%b: %b" % (name, kept))
    return b"\r\n".join([*lines, b"", b""])


def _others(connection: bytes) -> bytes:
    """What else is asked of the connection, such as to close it."""
    return b", ".join(word for word in map(bytes.strip, connection.split(b",")) if word.lower() not in OF_UPGRADES)
