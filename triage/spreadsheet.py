"""Tables as CSV that a spreadsheet opens without running anything in them.

RFC 4180 with CRLF, UTF-8 with a byte order mark so that Excel reads it as such. A cell that a spreadsheet would take for a
formula is preceded by an apostrophe (OWASP, CSV injection), also where the sign is full-width or follows blanks.
"""

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
UNSEEN = dict.fromkeys(
    (*range(0x20), 0x7F, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
)
"""Control characters and marks that turn or hide text: none has business in a cell of one line."""

WITHHELD = "fewer than 5, or kept back"


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """One line of names, then the rows. None is written in words: it is a number that is kept back."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([safe_cell(column) for column in columns])
    for row in rows:
        writer.writerow([value if isinstance(value, int | float) else safe_cell(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def safe_cell(value: object) -> str:
    if value is None:
        return WITHHELD
    text = " ".join(str(value).replace("\t", " ").splitlines()).translate(UNSEEN)
    return f"'{text}" if text.strip()[:1] in FORMULA and text.strip() else text
