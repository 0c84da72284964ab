"""What a text means, as 256 numbers: the average of static word vectors, computed on this machine in microseconds.

The vectors and the tokenizer are those of the `wordllama` wheel. They are read directly: the package itself would
import a download client and set up logging for the whole process, and doubles the start time.
"""

import json
import mmap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from knowledge.terms import says_something, words_of

Vector = NDArray[np.float32]
DIMENSIONS = 256
MOST_CHARACTERS = 1_500
MOST_KNOWN = 50_000


class Meaning:
    """Turns texts into unit vectors; the nearer two of them, the more alike what they say."""

    def __init__(self) -> None:
        folder = _wheel_folder()
        self._file, self._vectors = _mapped_vectors(folder / "weights" / "l2_supercat_256.safetensors")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._known: dict[str, list[int]] = {}
        """The vectors of words that were met, by their numbers: looking each up again takes most of the time."""

    def of(self, text: str) -> Vector:
        """The meaning of the first 1,500 characters; all zeros when they hold no word."""
        words = words_of(text[:MOST_CHARACTERS])
        ids = self._ids([word for word in words if says_something(word)] or words)
        if not ids:
            return np.zeros(DIMENSIONS, np.float32)
        return unit(self._vectors[ids].astype(np.float32).mean(axis=0))

    def _ids(self, words: list[str]) -> list[int]:
        if len(self._known) > MOST_KNOWN:
            self._known = {}
        # Another thread may let go of them meanwhile.
        known = self._known
        for word in words:
            if word not in known:
                known[word] = self._tokenizer.encode(word, add_special_tokens=False).ids
        return [number for word in words for number in known[word]]

    def let_go(self) -> None:
        """Give back what was read and met; the next text reads its words again."""
        self._known = {}
        if hasattr(mmap, "MADV_DONTNEED"):
            self._file.madvise(mmap.MADV_DONTNEED)


def unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def _wheel_folder() -> Path:
    spec = find_spec("wordllama")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _mapped_vectors(path: Path) -> tuple[mmap.mmap, NDArray[np.float16]]:
    """The file in memory as far as it is read, and shared between processes; all of it would be 16 MiB in each."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # The format is a length, that much JSON, and the numbers.
    head = int.from_bytes(mapped[:8], "little")
    found = json.loads(mapped[8 : 8 + head])["embedding.weight"]
    assert found["dtype"] == "F16"
    rows, columns = found["shape"]
    numbers = np.frombuffer(mapped, np.float16, rows * columns, 8 + head + found["data_offsets"][0])
    return mapped, numbers.reshape(rows, columns)
