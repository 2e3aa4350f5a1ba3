"""Everyday reports with the categories that a clerk would accept, and how well Pingcheng's catalogue alone suggests them.

`reports.csv` is worded for this test. Half "look" was looked at while the triage was made, half "hold" only measured.
"""

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shaodao.catalogue import wording
from shaodao.catalogue.triage import Triage

HERE = Path(__file__).resolve().parent
CATALOGUE = HERE.parents[1] / "districts" / "pingcheng" / "catalogue"
BINS = 10


class Outcome(NamedTuple):
    """Shares of reports whose first, or one of the first three, is accepted; and of each first its confidence, right or not."""

    top1: float
    top3: float
    sure: np.ndarray
    right: np.ndarray

    @property
    def ece(self) -> float:
        """Expected calibration error of the first suggestion, ten bins of equal width."""
        bins = np.minimum((self.sure * BINS).astype(int), BINS - 1)
        return float(sum(abs((self.right - self.sure)[bins == b].sum()) for b in range(BINS)) / len(self.sure))

    def between(self, low: float, high: float) -> tuple[int, float, float]:
        """How many firsts are stated with a confidence in this range, the mean confidence, the share that is right."""
        chosen = (self.sure >= low) & ((self.sure < high) | (high >= 1))
        count = int(chosen.sum())
        return (
            count,
            float(self.sure[chosen].mean()) if count else 0.0,
            float(self.right[chosen].mean()) if count else 0.0,
        )


def _rows(name: str) -> list[dict[str, str]]:
    with (CATALOGUE / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@cache
def catalogue() -> list[wording.Entry]:
    """Pingcheng's active scheme, labelled as in addresses: component-0101."""
    active = next(row["scheme"] for row in _rows("schemes.csv") if row["active"] == "true")
    filings = defaultdict(list)
    for row in _rows("conditions.csv"):
        filings[row["scheme"], row["kind"], row["code"]].append(row["filing"])
    return [
        wording.Entry(
            f"{row['kind']}-{row['code']}",
            row["kind"] == "component",
            row["name"],
            row["name_en"],
            row["keywords"],
            tuple(filings[active, row["kind"], row["code"]]),
        )
        for row in _rows("categories.csv")
        if row["scheme"] == active
    ]


@cache
def trained() -> Triage:
    return Triage(wording.families(catalogue()), wording.CONTEXTS).fit(*wording.texts(catalogue()))


@cache
def reports(half: str) -> list[tuple[str, frozenset[str]]]:
    """Text and accepted labels of the reports of one half."""
    with (HERE / "reports.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["text"], frozenset(row["categories"].split(";"))) for row in rows if row["half"] == half]


@cache
def outcome(half: str) -> Outcome:
    found = [(trained().suggest(text), accepted) for text, accepted in reports(half)]
    hits = [[s.label in accepted for s in suggestions] for suggestions, accepted in found]
    return Outcome(
        float(np.mean([any(three[:1]) for three in hits])),
        float(np.mean([any(three) for three in hits])),
        np.array([suggestions[0].confidence if suggestions else 0.0 for suggestions, _accepted in found]),
        np.array([any(three[:1]) for three in hits], dtype=float),
    )
