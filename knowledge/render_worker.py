"""One rendering process: reads a text from standard input, writes its HTML to standard output, until the input ends.

It is started by `knowledge.rendering` with an empty environment, holds no key and no connection, and may be killed at
any moment. Frames are a length of four bytes and that many bytes; the first byte of an answer says whether HTML follows
or the code of a refusal.
"""

import resource
import sys
from typing import BinaryIO

from core.errors import Refusal
from knowledge.markdown import TooComplex, render_markdown

HTML, REFUSED = b"+", b"-"
MOST_MEMORY_BYTES = 1024 * 1024 * 1024


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    while True:
        head = requests.read(4)
        if len(head) < 4:
            return
        source = requests.read(int.from_bytes(head)).decode()
        answer = _answer(source)
        answers.write(len(answer).to_bytes(4) + answer)
        answers.flush()


def _answer(source: str) -> bytes:
    try:
        return HTML + render_markdown(source).encode()
    except Refusal as refusal:
        return REFUSED + refusal.code.encode()
    except (RecursionError, MemoryError):
        return REFUSED + TooComplex.code.encode()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    # The first text must not pay for what the parser sets up on first use.
    render_markdown("# Ready\n\n| a | b |\n|---|---|\n| c | [d](https://example.org) |\n")
    sys.stdout.buffer.write(len(HTML).to_bytes(4) + HTML)
    sys.stdout.buffer.flush()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
