"""References that people read out: 8 characters of Crockford's base 32, and codes that let somebody back in."""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_CHARACTERS = 8
CODE_CHARACTERS = 20
"""Twenty characters of five bits are 100 bits."""

_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_reference() -> str:
    """Random and not guessable from another: QK7F-4PDX."""
    return _grouped("".join(secrets.choice(ALPHABET) for _ in range(REFERENCE_CHARACTERS)))


def new_resume_code() -> str:
    """Five groups of four, to be written down."""
    return _grouped("".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS)))


def resume_code_from(random: bytes) -> str:
    """The same form, of at least 100 given bits."""
    bits = int.from_bytes(random)
    return _grouped("".join(ALPHABET[bits >> 5 * place & 31] for place in range(CODE_CHARACTERS)))


def parse_reference(text: str) -> str | None:
    """The reference as it is stored, from any case, with or without the hyphen; None when it cannot be one."""
    return _parse(text, REFERENCE_CHARACTERS)


def parse_resume_code(text: str) -> str | None:
    return _parse(text, CODE_CHARACTERS)


def _parse(text: str, length: int) -> str | None:
    plain = re.sub(r"[\s-]", "", text[:100]).upper().translate(_READ_AS)
    if len(plain) != length or any(character not in ALPHABET for character in plain):
        return None
    return _grouped(plain)


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))
