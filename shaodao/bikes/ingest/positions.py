"""What every door hands to the ingest: columns of one length, in the operator's own datum, nothing checked yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shaodao.foundation.cells import NO_TIME

__all__ = ["NO_TIME", "Positions"]


@dataclass(frozen=True, eq=False)
class Positions:
    """n positions as one operator sent them.

    vehicle_id
        (n,) object, str; anything else (None, a number, 10 kB) is rejected by the ingest with a reason, not by the door.
    at_ms
        (n,) int64, milliseconds since 1970, `NO_TIME` for none.
    lon, lat
        (n,) float64 degrees in `datum`; NaN for none.
    state
        (n,) object, members of words.FeedState or what the feed said; unknown words become `unknown`.
    accuracy_m
        (n,) float64 metres, NaN where the feed does not say.
    rows
        (n,) int64, where each stands in what was sent, from 0: reasons name it.
    refused
        (n,) int8, rows that the door cannot take, with the reason as in `checks.coded`, 0 for none; None: it takes all.
        They go through the ingest too, so that the quality of the feed counts them.
    """

    vehicle_id: NDArray[np.object_]
    at_ms: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    state: NDArray[np.object_]
    accuracy_m: NDArray[np.float64]
    rows: NDArray[np.int64]
    datum: str = "WGS-84"
    refused: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return int(self.at_ms.size)

    def part(self, rows: slice) -> "Positions":
        """Some of them."""
        return Positions(
            self.vehicle_id[rows], self.at_ms[rows], self.lon[rows], self.lat[rows],
            self.state[rows], self.accuracy_m[rows], self.rows[rows], self.datum,
            None if self.refused is None else self.refused[rows],
        )  # fmt: skip

    @classmethod
    def of(cls, items: list[dict[str, Any]], datum: str = "WGS-84") -> "Positions":
        """From dicts with vehicle_id, at_ms, lon, lat and optionally state, accuracy_m; what is missing is left empty."""
        n = len(items)
        text = [np.empty(n, dtype=object) for _ in range(2)]
        text[0][:] = [item.get("vehicle_id") for item in items]
        text[1][:] = [item.get("state") or "unknown" for item in items]
        at = np.array([_whole(item.get("at_ms")) for item in items], dtype=np.int64)
        lon, lat, accuracy = (
            np.array([_number(item.get(name)) for item in items], dtype=np.float64)
            for name in ("lon", "lat", "accuracy_m")
        )
        return cls(text[0], at, lon, lat, text[1], accuracy, np.arange(n, dtype=np.int64), datum)


def _number(value: Any) -> float:
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
        else np.nan
    )


def _whole(value: Any) -> int:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**62
    return int(value) if fits else NO_TIME
