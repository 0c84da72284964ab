"""Short ways to say what a text should give."""

from chat.identifiers import find_identifiers


def found(text: str) -> list[tuple[str, str]]:
    return [(finding.kind.value, finding.text) for finding in find_identifiers(text)]


def only(kind: str, *texts: str) -> list[tuple[str, str]]:
    return [(kind, text) for text in texts]


def wide(text: str) -> str:
    """The same in full-width signs, as some scanners and keyboards produce them."""
    return "".join(chr(ord(sign) + 0xFEE0) if sign.isascii() and sign != " " else sign for sign in text)
