"""Which label does a text ask for: a small linear model over character n-grams. No Django, no database, no files.

Chinese is written without spaces, so the features are runs of one to three characters inside a clause, its edges marked by
a space; a text that comes cut into words works as well, and its words' edges then count too. Features are hashed into a
fixed number of columns, weighted by sublinear tf-idf, and each label gets a linear support vector (scikit-learn's
LinearSVC), which on citizens' letters beat logistic regression and naive Bayes. A run of Latin letters is one character.

Labels that are kinds of one thing (sisters) are first weighed together, as one family with a plane of its own, and only
then against each other: else the word that all of them share would speak for none of them. Contexts are phrases that
stand in any text and speak for no label (where it is, "please help"): each short text is also learned beside one of them.

Confidences are a softmax of the decision values. Its temperature (one for families, one for sisters), and a lapse (the
share that is given to any label at all, so that a few words never make the model certain), are fitted on texts held out
for it, among contexts.

Digits are all read as 0: house and telephone numbers are neither learned nor shown.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack
from scipy.special import expit
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from shaodao.catalogue.grams import COLUMNS, clauses, columns_of, count, grams, words

_FORMAT: Final = 2
_MOST_WEIGHTS: Final = 8_000_000
"""Labels times features, 32 MB: with many labels the rarest features are left out."""
_SHORT: Final = 40
"""N-grams (some thirteen characters) of a text that says nothing of its surroundings by itself."""
_BESIDE: Final = 0.5
"""What a short text counts beside a context, against itself alone."""
_AROUND: Final = (0, 1, 2, 4)
"""Contexts put around the texts that the confidence is fitted on, in turn."""
_FOLDS: Final = 5
_FEW: Final = 5_000
"""Up to so many texts every one is held out once to fit the confidence; of more, a fifth is enough."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suggestion:
    """One label for a text: its confidence (0..1, all labels add up to 1) and the words that speak most for it.

    ``sisters`` are the other labels of its family, likeliest first; ``together`` is the confidence of all of the family.
    """

    label: str
    confidence: float
    words: tuple[str, ...]
    sisters: tuple[str, ...] = ()
    together: float = 0.0


@dataclass(frozen=True)
class _Rows:
    """What was learned from: hashed n-gram counts, not texts. ``contexts``: those of the phrases that speak for nothing."""

    counts: csr_matrix
    labels: NDArray[np.str_]
    weights: Floats
    contexts: csr_matrix

    def part(self, chosen: NDArray[np.integer[Any]]) -> _Rows:
        return _Rows(self.counts[chosen], self.labels[chosen], self.weights[chosen], self.contexts)


@dataclass(frozen=True)
class _Model:
    """What `suggest` needs. ``place`` maps hashed columns to features (-1: left out).

    ``coef`` and ``bias`` hold one plane for each family (a label without sisters is one by itself), then one for each label
    that has sisters. ``family`` and ``own`` give each label's two planes; ``own`` is -1 for a label without sisters.
    """

    labels: NDArray[np.str_]
    place: NDArray[np.int32]
    idf: NDArray[np.float32]
    coef: NDArray[np.float32]
    bias: NDArray[np.float32]
    family: NDArray[np.int32]
    own: NDArray[np.int32]
    sharpness: float = 2.0
    among_sisters: float = 2.0
    lapse: float = 0.05

    def features(self, counts: csr_matrix) -> csr_matrix:
        """(n, features) tf-idf rows of length 1 from (n, `COLUMNS`) counts."""
        return _weigh(counts, self.place, self.idf)

    def decide(self, features: csr_matrix) -> Floats:
        """(n, planes) decision values."""
        return np.asarray(features @ self.coef.T + self.bias, dtype=np.float64)

    def chances(self, values: Floats) -> Floats:
        """(n, labels) confidences from decision values: of the family, shared among the sisters, less the lapse."""
        families = int(self.family.max()) + 1
        found = _softmax(values[:, :families] * self.sharpness)[:, self.family]
        for family in np.unique(self.family[self.own >= 0]):
            sisters = np.flatnonzero(self.family == family)
            found[:, sisters] *= _softmax(values[:, self.own[sisters]] * self.among_sisters)
        return (1 - self.lapse) * found + self.lapse / len(self.labels)

    def sisters(self, label: int, chances: Floats) -> NDArray[np.intp]:
        """The other labels of its family, likeliest first."""
        others = np.flatnonzero(self.family == self.family[label])
        others = others[others != label]
        return others[np.argsort(-chances[others], kind="stable")]

    def draw(self, label: int, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each feature draws towards a label: to its family and away from all, to itself and away from its sisters.

        ``weights``: (planes, features), the columns of `coef` that the text has.
        """
        draw = weights[self.family[label]] - weights[: self.family.max() + 1].mean(axis=0)
        if self.own[label] >= 0:
            draw = draw + weights[self.own[label]] - weights[self.own[self.family == self.family[label]]].mean(axis=0)
        return draw


class Triage:
    """Learns labels of texts and suggests them.

    >>> triage = Triage().fit(["垃圾桶满了", "垃圾没人清", "路灯不亮", "路灯坏了"], ["环卫", "环卫", "照明", "照明"])
    >>> triage.suggest("小区门口垃圾成堆", k=1)[0].label
    '环卫'

    ``families`` names the family of each label that has sisters; ``contexts`` are phrases that speak for no label.
    """

    def __init__(self, families: Mapping[str, str] | None = None, contexts: Sequence[str] = ()) -> None:
        self._families = dict(families or {})
        self._contexts = count(contexts)
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
        return self._learn(_rows(texts, labels, weights, self._contexts))

    def learn(self, texts: Sequence[str], labels: Sequence[str], weight: float = 1.0) -> Triage:
        """Learn again from everything so far and these texts, each counting ``weight`` times; labels may be new.

        Takes as long as `fit`. Errors as for `fit`, and ValueError where the model was loaded without its rows.
        """
        if self._rows is None and self._model is not None:
            raise ValueError("this model was saved without the rows it learned from: fit it again, or keep the rows")
        more = _rows(texts, labels, [weight] * len(texts), self._contexts)
        if self._rows is None:
            return self._learn(more)
        counts = vstack([self._rows.counts, more.counts], format="csr")
        both = _Rows(
            counts,
            np.append(self._rows.labels, more.labels),
            np.concatenate([self._rows.weights, more.weights]),
            self._contexts,
        )
        return self._learn(both)

    def suggest(self, text: str, k: int = 3) -> list[Suggestion]:
        """The ``k`` likeliest labels of a text, best first; fewer where fewer are known.

        A text without any known run of two characters gets no suggestion: an empty list. Raises ValueError before `fit`.
        """
        model = self._known()
        parts = list(clauses(text))
        found = Counter(gram for part in parts for gram in grams(part))
        if not found:
            return []
        columns = columns_of(found)
        counts = csr_matrix((np.fromiter(found.values(), np.float32), ([0] * len(columns), columns)), (1, COLUMNS))
        features = model.features(counts)
        at = {place: number for number, place in enumerate(features.indices.tolist())}
        known = [
            (gram, at[place]) for gram, place in zip(found, model.place[columns].tolist(), strict=True) if place >= 0
        ]
        if not any(len(gram.strip(" 0")) > 1 for gram, _number in known):  # single characters stand in anything
            return []
        weights = model.coef[:, features.indices]  # a few hundred columns: the whole matrix would take milliseconds
        chances = model.chances((weights @ features.data + model.bias).astype(np.float64)[None])[0]
        best = np.argsort(-chances, kind="stable")[: max(k, 0)]
        return [
            Suggestion(
                str(model.labels[label]),
                float(chances[label]),
                words(parts, {gram: pull for gram, number in known if (pull := float(draw[number])) > 0}),
                tuple(str(model.labels[i]) for i in model.sisters(label, chances)),
                float(chances[model.family == model.family[label]].sum()),
            )
            for label in best
            for draw in [model.draw(label, weights) * features.data]
        ]

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text. Raises ValueError before `fit`."""
        model = self._known()
        best = self.confidences(texts).argmax(axis=1)
        return [str(label) for label in model.labels[best]]

    def confidences(self, texts: Sequence[str]) -> Floats:
        """(texts, labels) confidences, columns in the order of `labels`; rows add up to 1."""
        model = self._known()
        return model.chances(model.decide(model.features(count(texts))))

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
            "family": model.family,
            "own": model.own,
            "sharpness": model.sharpness,
            "among_sisters": model.among_sisters,
            "lapse": model.lapse,
        }
        if keep_rows:
            if self._rows is None:
                raise ValueError("this model was loaded without its rows, so they cannot be kept")
            arrays |= _pack("row", self._rows.counts) | _pack("context", self._contexts)
            arrays |= {"row_labels": self._rows.labels, "row_weights": self._rows.weights}
            arrays |= {"families": np.array([*self._families.items()], dtype=np.str_).reshape(-1, 2)}
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
            arrays["family"],
            arrays["own"],
            float(arrays["sharpness"]),
            float(arrays["among_sisters"]),
            float(arrays["lapse"]),
        )
        if "row_data" in arrays:
            triage._families = dict(arrays["families"].tolist())
            triage._contexts = _unpack("context", arrays)
            triage._rows = _Rows(_unpack("row", arrays), arrays["row_labels"], arrays["row_weights"], triage._contexts)
        return triage

    def _learn(self, rows: _Rows) -> Triage:
        if len(np.unique(rows.labels)) < 2:
            raise ValueError("triage needs texts of at least two different labels")
        model = _train(rows, self._families)
        model = _calibrated(model, rows, self._families)
        self._rows, self._model = rows, model
        return self

    def _known(self) -> _Model:
        if self._model is None:
            raise ValueError("this triage has not learned anything yet: fit it first")
        return self._model


def _rows(texts: Sequence[str], labels: Sequence[str], weights: Sequence[float] | None, contexts: csr_matrix) -> _Rows:
    """Check what was given and count its n-grams; rows without any are left out."""
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts but {len(labels)} labels")
    given = np.ones(len(texts)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape != (len(texts),):
        raise ValueError(f"{len(texts)} texts but {given.size} weights")
    wrong = np.flatnonzero(~(np.isfinite(given) & (given > 0)))
    if wrong.size:
        raise ValueError(f"row {wrong[0] + 1}: a weight must be a positive number, not {given[wrong[0]]}")
    counts = count(texts)
    full = np.diff(counts.indptr) > 0
    return _Rows(counts[full], np.array([str(label) for label in labels], dtype=np.str_)[full], given[full], contexts)


def _train(rows: _Rows, families: Mapping[str, str]) -> _Model:
    """Choose features, weigh them, and fit one separating plane for each family and each label that has sisters."""
    rows = _beside_contexts(rows)
    labels = np.unique(rows.labels)
    named = [f"family {families[label]}" if label in families else f"label {label}" for label in labels.tolist()]
    units, family, size = np.unique(named, return_inverse=True, return_counts=True)
    if len(units) < 2:  # all are sisters: nothing to weigh them against but each other
        units, family, size = labels, np.arange(len(labels)), np.ones(len(labels), dtype=np.int64)
    sisters = np.flatnonzero(size[family] > 1)
    frequency = np.bincount(rows.counts.indices, minlength=COLUMNS)
    most = _MOST_WEIGHTS // (len(units) + len(sisters))
    columns = np.sort(np.argsort(-frequency, kind="stable")[: min(np.count_nonzero(frequency), most)])
    count = rows.counts.shape[0]
    idf = (np.log((1 + count) / (1 + frequency[columns])) + 1).astype(np.float32)
    place = _places(columns)
    features = _weigh(rows.counts, place, idf)
    label_of = np.searchsorted(labels, rows.labels)
    coef, bias = _planes(features, family[label_of], rows.weights)
    own = np.full(len(labels), -1, dtype=np.int32)
    if sisters.size:
        mine, my_bias = _planes(features, label_of, rows.weights)
        coef, bias = np.concatenate([coef, mine[sisters]]), np.concatenate([bias, my_bias[sisters]])
        own[sisters] = len(units) + np.arange(len(sisters))
    return _Model(labels, place, idf, coef, bias, family.astype(np.int32), own)


def _planes(features: csr_matrix, labels: NDArray[Any], weights: Floats) -> tuple[NDArray[np.float32], ...]:
    """One plane for each label, against all others: (labels, features) and (labels,)."""
    plane = LinearSVC(C=1.0, random_state=0)
    plane.fit(features, labels, sample_weight=weights)
    coef, bias = plane.coef_.astype(np.float32), np.atleast_1d(plane.intercept_).astype(np.float32)
    if len(coef) == 1:  # scikit-learn keeps one plane for two labels
        coef, bias = np.concatenate([-coef, coef]), np.concatenate([-bias, bias])
    return coef, bias


def _beside_contexts(rows: _Rows) -> _Rows:
    """These rows, and the short ones once more, each beside a context."""
    short = np.flatnonzero(np.diff(rows.counts.indptr) <= _SHORT)
    if not rows.contexts.shape[0] or not short.size:
        return rows
    beside = rows.counts[short] + rows.contexts[np.arange(len(short)) % rows.contexts.shape[0]]
    return _Rows(
        vstack([rows.counts, beside], format="csr"),
        np.append(rows.labels, rows.labels[short]),
        np.concatenate([rows.weights, rows.weights[short] * _BESIDE]),
        rows.contexts,
    )


def _calibrated(model: _Model, rows: _Rows, families: Mapping[str, str]) -> _Model:
    """The model with the sharpness and lapse that make its confidences true on texts that were not learned (log loss).

    Fitted on texts held out at random with a fixed seed, among contexts. Where there are too few, they stay modest.
    """
    count = len(rows.labels)
    order = np.random.default_rng(0).permutation(count)
    _, first = np.unique(rows.labels[order], return_index=True)
    tried = np.delete(order, first)  # one text of each label always stays, so that all models have the same planes
    held = [tried[fold::_FOLDS] for fold in range(_FOLDS if count <= _FEW else 1)]
    order = np.concatenate(held)
    if len(order) < 20:
        return model
    values = np.concatenate([_try(rows, part, families) for part in held if part.size])
    right = np.searchsorted(model.labels, rows.labels[order])
    weights = rows.weights[order] / rows.weights[order].sum()

    def read(point: Floats) -> _Model:
        sharpness, among_sisters = np.exp(point[:2]).tolist()
        return replace(model, sharpness=sharpness, among_sisters=among_sisters, lapse=float(expit(point[2])))

    def loss(point: Floats) -> float:
        chances = read(point).chances(values)[np.arange(len(right)), right]
        return float(-(weights * np.log(chances)).sum())

    bounds = [(-2.3, 3.0), (-2.3, 3.0), (-8.0, 0.0)]
    fit = minimize(loss, [1.5, 1.5, -4.0], method="Nelder-Mead", bounds=bounds, options={"maxiter": 100})
    return read(fit.x)


def _try(rows: _Rows, held: NDArray[np.integer[Any]], families: Mapping[str, str]) -> Floats:
    """(held, planes) decision values of these rows among contexts, by a model that learned from all others."""
    kept = np.setdiff1d(np.arange(len(rows.labels)), held)
    model = _train(rows.part(kept), families)
    return model.decide(model.features(_among_contexts(rows.counts[held], rows.contexts)))


def _among_contexts(counts: csr_matrix, contexts: csr_matrix) -> csr_matrix:
    """Each row with none, one or more contexts around it, in turn; always the same ones."""
    if not contexts.shape[0]:
        return counts
    many = np.resize(_AROUND, counts.shape[0])
    row = np.repeat(np.arange(len(many)), many)
    which = np.random.default_rng(1).integers(contexts.shape[0], size=len(row))
    choice = csr_matrix((np.ones(len(row), np.float32), (row, which)), (len(many), contexts.shape[0]))
    return (counts + choice @ contexts).tocsr()


def _pack(name: str, counts: csr_matrix) -> dict[str, Any]:
    return {
        f"{name}_data": np.minimum(counts.data, 255).astype(np.uint8),
        f"{name}_indices": counts.indices.astype(np.int32),
        f"{name}_indptr": counts.indptr.astype(np.int64),
    }


def _unpack(name: str, arrays: dict[str, NDArray[Any]]) -> csr_matrix:
    parts = (arrays[f"{name}_data"].astype(np.float32), arrays[f"{name}_indices"], arrays[f"{name}_indptr"])
    return csr_matrix(parts, shape=(len(parts[2]) - 1, COLUMNS))


def _places(columns: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    place = np.full(COLUMNS, -1, dtype=np.int32)
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
