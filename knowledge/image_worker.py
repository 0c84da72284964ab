"""Makes one picture anew: reads it from standard input, writes what became of it to standard output.

It is started by `knowledge.images` for each picture with an empty environment, holds no key and no connection, cannot
write a file, and may be killed at any moment. The first line of its answer is the width and height of the picture that
follows, or a word for why there is none.
"""

import resource
import sys
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
LOSSLESS = frozenset({"PNG", "GIF"})
"""Drawings and pictures of a screen, in which letters must stay sharp."""

MOST_PIXELS = 50_000_000
WIDEST, TALLEST = 1_600, 2_400
MOST_LOSSLESS_BYTES = 600_000
MOST_BYTES = 2_000_000
QUALITY = 82

MOST_MEMORY_BYTES = 1024 * 1024 * 1024
MOST_CPU_S = 20


class Unusable(Exception):  # It is the picture that is unusable; nothing in the program is an error.
    """Why a picture cannot be taken, in one word (knowledge.images.WHY)."""


def remake(content: bytes) -> tuple[bytes, int, int]:
    """The same picture as WebP, not too large, and without anything but its pixels. Raises Unusable."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as sent:
            # Looked at before a single pixel is unpacked.
            if sent.width * sent.height > MOST_PIXELS:
                raise Unusable("pixels")
            if getattr(sent, "is_animated", False):
                raise Unusable("moves")
            is_lossless = sent.format in LOSSLESS
            sent.draft("RGB", (WIDEST, TALLEST))
            picture = _pixels_of(sent)
    except (Image.DecompressionBombError, MemoryError):
        raise Unusable("pixels") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        raise Unusable("unreadable") from None
    made = _save(picture, lossless=True) if is_lossless else b""
    if not 0 < len(made) <= MOST_LOSSLESS_BYTES:
        made = _save(picture, lossless=False)
    if len(made) > MOST_BYTES:
        raise Unusable("detail")
    return made, picture.width, picture.height


def _pixels_of(sent: Image.Image) -> Image.Image:
    """Upright, within bounds, and nothing but pixels: no place, no device, no thumbnail of what was cut away."""
    is_clear = "A" in sent.getbands() or "transparency" in sent.info
    upright = ImageOps.exif_transpose(sent).convert("RGBA" if is_clear else "RGB")
    upright.thumbnail((WIDEST, TALLEST), Image.Resampling.LANCZOS)
    clean = Image.new(upright.mode, upright.size)
    clean.paste(upright)
    return clean


def _save(picture: Image.Image, *, lossless: bool) -> bytes:
    made = BytesIO()
    picture.save(made, "WEBP", lossless=lossless, quality=QUALITY, method=4)
    return made.getvalue()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        content, width, height = remake(sys.stdin.buffer.read())
        answer = f"{width} {height}\n".encode() + content
    except Unusable as why:
        answer = f"{why}\n".encode()
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
