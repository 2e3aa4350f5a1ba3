"""A text as counts of its n-grams, and n-grams as words again. No Django, no database, no files.

Chinese is written without spaces, so an n-gram is a run of one to three characters inside a clause, its edges marked by a
space; a run of Latin letters is one character. Digits are all read as 0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher

COLUMNS: Final = 2**20
"""Wide, so that an n-gram which was never seen seldom falls on one that was."""
_LONGEST: Final = 4_000
"""Characters of a text that are read; what a letter asks for stands in its first pages."""
_GRAMS_SHOWN: Final = 15
_WEAKEST_SHOWN: Final = 0.2
"""Of the strongest pull: what pulls less explains nothing."""
_WORDS_SHOWN: Final = 5
_CLAUSE: Final = re.compile(r"[^\W_]+")
_DIGIT: Final = re.compile(r"\d")
_CHARACTER: Final = re.compile(r"[a-z]{2,}|.")
_HASHER: Final = FeatureHasher(COLUMNS, input_type="string", alternate_sign=False, dtype=np.float32)


def clauses(text: str) -> Iterator[str]:
    """The letters between spaces and punctuation, in one form: NFKC, lower case, digits as 0."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).lower()
    return (match.group() for match in _CLAUSE.finditer(_DIGIT.sub("0", plain)))


def grams(clause: str) -> Iterator[str]:
    """Runs of one to three characters; those of two and three see the clause's edges as spaces."""
    characters = _CHARACTER.findall(clause)
    yield from characters
    edged = [" ", *characters, " "]
    for size in (2, 3):
        yield from ("".join(edged[at : at + size]) for at in range(len(edged) - size + 1))


def count(texts: Sequence[str]) -> csr_matrix:
    """(n, `COLUMNS`) counts of hashed n-grams, float32."""
    if len(texts) == 0:  # the hasher wants to see a first text
        return csr_matrix((0, COLUMNS), dtype=np.float32)
    counts = _HASHER.transform([gram for clause in clauses(text) for gram in grams(clause)] for text in texts)
    counts.sum_duplicates()
    return counts


def columns_of(each: Iterable[str]) -> NDArray[np.int32]:
    """The column of each n-gram."""
    return np.asarray(_HASHER.transform([[gram] for gram in each]).indices, dtype=np.int32)


def words(parts: list[str], pulls: dict[str, float]) -> tuple[str, ...]:
    """Readable pieces of the text, put together again from the n-grams with the strongest pull where they overlap.

    A pull says how far an n-gram draws the text towards one label and away from the average of all; only positive ones.
    """
    strongest = sorted((gram for gram in pulls if len(gram.strip()) > 1), key=pulls.__getitem__, reverse=True)
    chosen = {gram for gram in strongest[:_GRAMS_SHOWN] if pulls[gram] >= _WEAKEST_SHOWN * pulls[strongest[0]]}
    found: dict[str, float] = {}
    for clause in parts:
        for word, pull in _pieces([" ", *_CHARACTER.findall(clause), " "], chosen, pulls):
            if "0" not in word:
                found[word] = max(found.get(word, 0.0), pull)
    apart: list[str] = []
    for word in sorted(found, key=found.__getitem__, reverse=True):
        if not any(word in other or other in word for other in apart):
            apart.append(word)
    return tuple(apart[:_WORDS_SHOWN])


def _pieces(edged: list[str], chosen: set[str], pulls: dict[str, float]) -> Iterator[tuple[str, float]]:
    """The stretches of one clause that chosen n-grams cover, each with the sum of their pulls."""
    start, end, pull = 0, 0, 0.0
    for at in range(len(edged)):
        for size in (2, 3):
            gram = "".join(edged[at : at + size])
            if at + size > len(edged) or gram not in chosen:
                continue
            if at >= end and pull:
                yield "".join(edged[start:end]).strip(), pull
                pull = 0.0
            if not pull:
                start = at
            end, pull = max(end, at + size), pull + pulls[gram]
    if pull:
        yield "".join(edged[start:end]).strip(), pull
