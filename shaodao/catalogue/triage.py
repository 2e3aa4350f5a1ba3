"""Which label does a text ask for: a small linear model over character n-grams. No Django, no database, no files.

Chinese is written without spaces, so the features are runs of one to three characters inside a clause, its edges marked by
a space; a text that comes cut into words works as well, and its words' edges then count too. Features are hashed into a
fixed number of columns, weighted by sublinear tf-idf, and each label gets a linear support vector (scikit-learn's
LinearSVC), which on citizens' letters beat logistic regression and naive Bayes. Confidences are a softmax of the decision
values, with one temperature that is fitted on a fifth of the texts held out for it.

Digits are all read as 0: house and telephone numbers are neither learned nor shown.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

_FORMAT: Final = 1
_COLUMNS: Final = 2**20
"""Wide, so that an n-gram which was never seen seldom falls on one that was."""
_LONGEST: Final = 4_000
"""Characters of a text that are read; what a letter asks for stands in its first pages."""
_MOST_WEIGHTS: Final = 8_000_000
"""Labels times features, 32 MB: with many labels the rarest features are left out."""
_GRAMS_SHOWN: Final = 15
_WEAKEST_SHOWN: Final = 0.2
"""Of the strongest pull: what pulls less explains nothing."""
_WORDS_SHOWN: Final = 5
_CLAUSE: Final = re.compile(r"[^\W_]+")
_DIGIT: Final = re.compile(r"\d")
_HASHER: Final = FeatureHasher(_COLUMNS, input_type="string", alternate_sign=False, dtype=np.float32)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suggestion:
    """One label for a text: its confidence (0..1, all labels add up to 1) and the words that speak most for it."""

    label: str
    confidence: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Rows:
    """What was learned from: hashed n-gram counts, not texts."""

    counts: csr_matrix
    labels: NDArray[np.str_]
    weights: Floats


@dataclass(frozen=True)
class _Model:
    """What `suggest` needs. ``place`` maps hashed columns to features (-1: left out)."""

    labels: NDArray[np.str_]
    place: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    bias: NDArray[np.float32]
    sharpness: float

    def features(self, counts: csr_matrix) -> csr_matrix:
        """(n, features) tf-idf rows of length 1 from (n, `_COLUMNS`) counts."""
        return _weigh(counts, self.place, self.idf)

    def decide(self, features: csr_matrix) -> Floats:
        """(n, labels) decision values."""
        return np.asarray(features @ self.coef.T + self.bias, dtype=np.float64)


class Triage:
    """Learns labels of texts and suggests them.

    >>> triage = Triage().fit(["垃圾桶满了", "垃圾没人清", "路灯不亮", "路灯坏了"], ["环卫", "环卫", "照明", "照明"])
    >>> triage.suggest("小区门口垃圾成堆", k=1)[0].label
    '环卫'
    """

    def __init__(self) -> None:
        self._rows: _Rows | None = None
        self._model: _Model | None = None

    @property
    def labels(self) -> list[str]:
        """The labels known, sorted; empty before `fit`."""
        return [] if self._model is None else self._model.labels.tolist()

    def fit(self, texts: Sequence[str], labels: Sequence[str], weights: Sequence[float] | None = None) -> Triage:
        """Learn from scratch. ``weights`` (> 0, default 1) say how much each text counts.

        A text without a letter ("！！！") teaches nothing and is left out. Raises ValueError where the lengths differ, a
        weight is not positive (the message names the row, counted from 1), or fewer than two different labels remain.
        """
        return self._learn(_rows(texts, labels, weights))

    def learn(self, texts: Sequence[str], labels: Sequence[str], weight: float = 1.0) -> Triage:
        """Learn again from everything so far and these texts, each counting ``weight`` times; labels may be new.

        Takes as long as `fit`. Errors as for `fit`, and ValueError where the model was loaded without its rows.
        """
        if self._rows is None and self._model is not None:
            raise ValueError("this model was saved without the rows it learned from: fit it again, or keep the rows")
        more = _rows(texts, labels, [weight] * len(texts))
        if self._rows is None:
            return self._learn(more)
        counts = vstack([self._rows.counts, more.counts], format="csr")
        both = _Rows(
            counts, np.append(self._rows.labels, more.labels), np.concatenate([self._rows.weights, more.weights])
        )
        return self._learn(both)

    def suggest(self, text: str, k: int = 3) -> list[Suggestion]:
        """The ``k`` likeliest labels of a text, best first; fewer where fewer are known.

        A text without any known feature gets no suggestion: an empty list. Raises ValueError before `fit`.
        """
        model = self._known()
        clauses = list(_clauses(text))
        grams = Counter(gram for clause in clauses for gram in _grams(clause))
        if not grams:
            return []
        columns = _HASHER.transform([[gram] for gram in grams]).indices
        counts = csr_matrix((np.fromiter(grams.values(), np.float32), ([0] * len(columns), columns)), (1, _COLUMNS))
        features = model.features(counts)
        if features.nnz == 0:
            return []
        weights = model.coef[:, features.indices]  # a few hundred columns: the whole matrix would take milliseconds
        chances = _softmax((weights @ features.data + model.bias).astype(np.float64)[None] * model.sharpness)[0]
        best = np.argsort(-chances, kind="stable")[: max(k, 0)]
        draws = (weights[best] - weights.mean(axis=0)) * features.data
        at = {place: number for number, place in enumerate(features.indices.tolist())}
        known = [
            (gram, at[place]) for gram, place in zip(grams, model.place[columns].tolist(), strict=True) if place >= 0
        ]
        return [
            Suggestion(
                str(model.labels[label]),
                float(chances[label]),
                _words(clauses, {gram: pull for gram, number in known if (pull := float(draw[number])) > 0}),
            )
            for label, draw in zip(best, draws, strict=True)
        ]

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text. Raises ValueError before `fit`."""
        model = self._known()
        best = self.confidences(texts).argmax(axis=1)
        return [str(label) for label in model.labels[best]]

    def confidences(self, texts: Sequence[str]) -> Floats:
        """(texts, labels) confidences, columns in the order of `labels`; rows add up to 1."""
        model = self._known()
        return _softmax(model.decide(model.features(_count(texts))) * model.sharpness)

    def to_bytes(self, *, keep_rows: bool = False) -> bytes:
        """The model as a compressed NumPy archive; it holds numbers and label names only, and runs no code when read.

        ``keep_rows`` adds the hashed n-gram counts of every text, which `learn` needs. They are no texts, but treat such a
        file as personal data all the same: whoever guesses a text can test whether it was among them.
        """
        model = self._known()
        arrays: dict[str, Any] = {
            "format": _FORMAT,
            "labels": model.labels,
            "columns": np.flatnonzero(model.place >= 0).astype(np.int32),
            "idf": model.idf,
            "coef": model.coef,
            "bias": model.bias,
            "sharpness": model.sharpness,
        }
        if keep_rows:
            if self._rows is None:
                raise ValueError("this model was loaded without its rows, so they cannot be kept")
            arrays |= {
                "row_data": np.minimum(self._rows.counts.data, 255).astype(np.uint8),
                "row_indices": self._rows.counts.indices.astype(np.int32),
                "row_indptr": self._rows.counts.indptr.astype(np.int64),
                "row_labels": self._rows.labels,
                "row_weights": self._rows.weights,
            }
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Triage:
        """The model that `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            if int(arrays["format"]) != _FORMAT:
                raise ValueError(f"a triage model of format {int(arrays['format'])}, not {_FORMAT}: train it again")
            return cls._read(arrays)
        except (KeyError, EOFError, OSError, TypeError, IndexError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"not a triage model: {error}") from error

    @classmethod
    def _read(cls, arrays: dict[str, NDArray[Any]]) -> Triage:
        triage = cls()
        triage._model = _Model(
            arrays["labels"],
            _places(arrays["columns"]),
            arrays["idf"],
            arrays["coef"],
            arrays["bias"],
            float(arrays["sharpness"]),
        )
        if "row_data" in arrays:
            counts = csr_matrix(
                (arrays["row_data"].astype(np.float32), arrays["row_indices"], arrays["row_indptr"]),
                shape=(len(arrays["row_labels"]), _COLUMNS),
            )
            triage._rows = _Rows(counts, arrays["row_labels"], arrays["row_weights"])
        return triage

    def _learn(self, rows: _Rows) -> Triage:
        if len(np.unique(rows.labels)) < 2:
            raise ValueError("triage needs texts of at least two different labels")
        model = _train(rows, _sharpness(rows))
        self._rows, self._model = rows, model
        return self

    def _known(self) -> _Model:
        if self._model is None:
            raise ValueError("this triage has not learned anything yet: fit it first")
        return self._model


def _rows(texts: Sequence[str], labels: Sequence[str], weights: Sequence[float] | None) -> _Rows:
    """Check what was given and count its n-grams; rows without any are left out."""
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts but {len(labels)} labels")
    given = np.ones(len(texts)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != (len(texts),):
        raise ValueError(f"{len(texts)} texts but {given.size} weights")
    wrong = np.flatnonzero(~(np.isfinite(given) & (given > 0)))
    if wrong.size:
        raise ValueError(f"row {wrong[0] + 1}: a weight must be a positive number, not {given[wrong[0]]}")
    counts = _count(texts)
    full = np.diff(counts.indptr) > 0
    return _Rows(counts[full], np.array([str(label) for label in labels], dtype=np.str_)[full], given[full])


def _train(rows: _Rows, sharpness: float) -> _Model:
    """Choose features, weigh them, and fit one separating plane for each label."""
    labels = np.unique(rows.labels)
    frequency = np.bincount(rows.counts.indices, minlength=_COLUMNS)
    columns = np.argsort(-frequency, kind="stable")[: min(np.count_nonzero(frequency), _MOST_WEIGHTS // len(labels))]
    columns = np.sort(columns)
    count = rows.counts.shape[0]
    idf = (np.log((1 + count) / (1 + frequency[columns])) + 1).astype(np.float32)
    place = _places(columns)
    plane = LinearSVC(C=1.0, random_state=0)
    plane.fit(_weigh(rows.counts, place, idf), rows.labels, sample_weight=rows.weights)
    coef, bias = plane.coef_.astype(np.float32), np.atleast_1d(plane.intercept_).astype(np.float32)
    if len(labels) == 2:  # scikit-learn keeps one plane for two labels
        coef, bias = np.concatenate([-coef, coef]), np.concatenate([-bias, bias])
    return _Model(labels, place, idf, coef, bias, sharpness)


def _sharpness(rows: _Rows) -> float:
    """How sharp the softmax must be for its confidences to be true on texts that were not learned (log loss).

    Fitted on one fifth, chosen at random with a fixed seed. Where a fifth is too little to tell, the confidence is modest.
    """
    count, modest = len(rows.labels), 2.0
    order = np.random.default_rng(0).permutation(count)
    held, kept = order[: count // 5], order[count // 5 :]
    held = held[np.isin(rows.labels[held], rows.labels[kept])]
    if held.size < 20 or len(np.unique(rows.labels[kept])) < 2:
        return modest
    model = _train(_Rows(rows.counts[kept], rows.labels[kept], rows.weights[kept]), modest)
    decisions = model.decide(model.features(rows.counts[held]))
    right = np.searchsorted(model.labels, rows.labels[held])
    weights = rows.weights[held]

    def loss(sharpness: float) -> float:
        chances = _softmax(decisions * sharpness)[np.arange(held.size), right]
        return float(-(weights * np.log(np.maximum(chances, 1e-12))).sum())

    return float(minimize_scalar(loss, bounds=(0.1, 10.0), method="bounded").x)


def _clauses(text: str) -> Iterator[str]:
    """The letters between spaces and punctuation, in one form: NFKC, lower case, digits as 0."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).lower()
    return (match.group() for match in _CLAUSE.finditer(_DIGIT.sub("0", plain)))


def _grams(clause: str) -> Iterator[str]:
    """Runs of one to three characters; those of two and three see the clause's edges as spaces."""
    yield from clause
    edged = f" {clause} "
    for size in (2, 3):
        yield from (edged[at : at + size] for at in range(len(edged) - size + 1))


def _count(texts: Sequence[str]) -> csr_matrix:
    """(n, `_COLUMNS`) counts of hashed n-grams, float32."""
    if len(texts) == 0:  # the hasher wants to see a first text
        return csr_matrix((0, _COLUMNS), dtype=np.float32)
    counts = _HASHER.transform([gram for clause in _clauses(text) for gram in _grams(clause)] for text in texts)
    counts.sum_duplicates()
    return counts


def _places(columns: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    place = np.full(_COLUMNS, -1, dtype=np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    return place


def _weigh(counts: csr_matrix, place: NDArray[np.int32], idf: NDArray[np.float32]) -> csr_matrix:
    """Counts to rows of sublinear tf-idf with length 1, over the features that have a place."""
    at = place[counts.indices]
    known = at >= 0
    kept = np.concatenate(([0], np.cumsum(known)))
    data = (1 + np.log(counts.data[known])) * idf[at[known]]
    shape = (counts.shape[0], len(idf))
    return normalize(csr_matrix((data, at[known], kept[counts.indptr]), shape=shape, dtype=np.float32), copy=False)


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _words(clauses: list[str], pulls: dict[str, float]) -> tuple[str, ...]:
    """Readable pieces of the text, put together again from the n-grams with the strongest pull where they overlap.

    A pull says how far an n-gram draws the text towards one label and away from the average of all; only positive ones.
    """
    strongest = sorted((gram for gram in pulls if len(gram.strip()) > 1), key=pulls.__getitem__, reverse=True)
    chosen = {gram for gram in strongest[:_GRAMS_SHOWN] if pulls[gram] >= _WEAKEST_SHOWN * pulls[strongest[0]]}
    found: dict[str, float] = {}
    for clause in clauses:
        for word, pull in _pieces(f" {clause} ", chosen, pulls):
            if "0" not in word:
                found[word] = max(found.get(word, 0.0), pull)
    words: list[str] = []
    for word in sorted(found, key=found.__getitem__, reverse=True):
        if not any(word in other or other in word for other in words):
            words.append(word)
    return tuple(words[:_WORDS_SHOWN])


def _pieces(edged: str, chosen: set[str], pulls: dict[str, float]) -> Iterator[tuple[str, float]]:
    """The stretches of one clause that chosen n-grams cover, each with the sum of their pulls."""
    start, end, pull = 0, 0, 0.0
    for at in range(len(edged)):
        for size in (2, 3):
            gram = edged[at : at + size]
            if len(gram) < size or gram not in chosen:
                continue
            if at >= end and pull:
                yield edged[start:end].strip(), pull
                pull = 0.0
            if not pull:
                start = at
            end, pull = max(end, at + size), pull + pulls[gram]
    if pull:
        yield edged[start:end].strip(), pull
