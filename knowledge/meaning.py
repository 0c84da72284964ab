"""What a text means, as 256 numbers: the average of static word vectors, computed on this machine in microseconds.

The vectors and the tokenizer are those of the `wordllama` wheel. They are read directly: the package itself would
import a download client and set up logging for the whole process, and doubles the start time.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from knowledge.terms import content_words

Vector = NDArray[np.float32]
DIMENSIONS = 256
MOST_CHARACTERS = 1_500


class Meaning:
    """Turns texts into unit vectors; the nearer two of them, the more alike what they say."""

    def __init__(self) -> None:
        folder = _wheel_folder()
        self._vectors: NDArray[np.float16] = load_file(folder / "weights" / "l2_supercat_256.safetensors")[
            "embedding.weight"
        ]
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def of(self, text: str) -> Vector:
        """The meaning of the first 1,500 characters; all zeros when they hold no word."""
        ids = self._tokenizer.encode(" ".join(content_words(text[:MOST_CHARACTERS])), add_special_tokens=False).ids
        if not ids:
            return np.zeros(DIMENSIONS, np.float32)
        return unit(self._vectors[ids].astype(np.float32).mean(axis=0))


def unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def _wheel_folder() -> Path:
    spec = find_spec("wordllama")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])
