"""English words by frequency, and the words one slip of the finger away.

The list is the one that comes with symspellpy (82,834 words). With a distance of one, looking each possible word up is
as exact as symspellpy's own index and needs a tenth of its time to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from skuflow.listing.packaged_yaml import PackagedDataError

_FILE = "frequency_dictionary_en_82_765.txt"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@cache
def english_words() -> Mapping[str, int]:
    """How often each English word was counted; read at the first call. Raises PackagedDataError without symspellpy."""
    # The package itself is not imported: it would load its index code, which is not needed.
    spec = find_spec("symspellpy")
    if spec is None or spec.origin is None:
        raise PackagedDataError("symspellpy is not installed; install the project's requirements again")
    lines = Path(spec.origin).with_name(_FILE).read_text(encoding="utf-8-sig").splitlines()
    pairs = (line.split(" ") for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def one_slip_away(word: str) -> Iterator[str]:
    """Every string from which one letter too many, missing, wrong or swapped makes ``word``; some come twice."""
    halves = [(word[:cut], word[cut:]) for cut in range(len(word) + 1)]
    for before, after in halves:
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in _LETTERS:
            if after:
                yield before + letter + after[1:]
            yield before + letter + after


def is_english(words: Sequence[str], share: float = 0.5) -> bool:
    """Whether more than ``share`` of these Latin words (in small letters) are English."""
    known = sum(word in english_words() for word in words)
    return bool(words) and known > share * len(words)
