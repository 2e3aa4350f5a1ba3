"""Parts add up to the same table, however the rows are cut and in whatever order the parts come."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.parking import BayIndex, Parked, analysis

LON, LAT = 113.298, 40.076
SHANGHAI = ZoneInfo("Asia/Shanghai")
CORNERS = np.array([[0, 0], [7e-5, 0], [7e-5, 2e-5], [0, 2e-5]])
INDEX = BayIndex.build([[CORNERS + np.array([LON + i * 9e-5, LAT])] for i in range(4)], 5.0)

ROW = st.tuples(
    st.one_of(st.floats(LON - 1e-4, LON + 4e-4), st.sampled_from([np.nan, np.inf, 200.0])),
    st.floats(LAT - 1e-4, LAT + 1e-4),
    # 1992 and later (Shanghai has had no summer time since), around midnight and the year's end; and what is no time
    st.one_of(
        st.integers(701_000_000_000, 4_000_000_000_000),
        st.sampled_from([1_798_732_799_999, 1_798_732_800_000, 1_798_761_600_000]),
        st.sampled_from([analysis.NO_TIME, -10**15, 2**63 - 1]),
    ),
    st.integers(0, 2),
    st.one_of(st.floats(0, 20), st.sampled_from([np.nan, -1.0])),
)  # fmt: skip


def counted(rows, use_accuracy):
    lon, lat, time, operator, accuracy = zip(*rows, strict=True) if rows else [()] * 5
    return analysis.partial(
        INDEX, np.array(lon, float), np.array(lat, float), np.array(time, np.int64), np.array(operator, np.int32),
        np.array(accuracy, float) if use_accuracy else None,
    )  # fmt: skip


def as_rows(part):
    return [
        (*key, *values)
        for *key, values in zip(
            part.bay.tolist(),
            part.day.tolist(),
            part.hour.tolist(),
            part.operator.tolist(),
            part.values.tolist(),
            strict=True,
        )
    ]


def slowly(rows, use_accuracy):
    """One dictionary, one row at a time, time by the standard library."""
    groups = {}
    for lon, lat, time, operator, accuracy in rows:
        error = [accuracy if accuracy >= 0 else 100.0] if use_accuracy else None
        one = INDEX.assign([lon], [lat], error)
        bay, kind = int(one.bay[0]), int(one.parked[0])
        try:
            if time < 0:
                raise OverflowError
            local = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC")) + timedelta(milliseconds=time)
            local = local.astimezone(SHANGHAI)
            day, hour = local.date().toordinal() - 719_163, local.hour
        except OverflowError:
            day, hour, bay, kind = -1, -1, -1, int(Parked.INVALID)
        far = round(float(one.distance[0]) * 1000) if bay >= 0 else 0
        classes = [int(kind == k) for k in range(5)]
        old = groups.get((bay, day, hour, operator))
        new = [1, *classes, far, far, far]
        if old:
            new = [*(a + b for a, b in zip(old[:7], new[:7], strict=True)), min(old[7], far), max(old[8], far)]
        groups[bay, day, hour, operator] = new
    return [(*key, values) for key, values in sorted(groups.items())]


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=60), st.booleans())
def test_a_part_is_what_a_slow_count_gives(rows, use_accuracy):
    found = [(*row[:4], list(row[4:])) for row in as_rows(counted(rows, use_accuracy))]
    assert found == slowly(rows, use_accuracy)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=60), st.booleans(), st.lists(st.integers(0, 60), max_size=4), st.randoms())
def test_cuts_order_and_nesting_do_not_matter(rows, use_accuracy, cuts, random):
    whole = as_rows(counted(rows, use_accuracy))
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    shuffled = random.sample(rows, len(rows))
    parts = [counted(shuffled[a:b], use_accuracy) for a, b in pairwise(bounds)]
    random.shuffle(parts)
    assert as_rows(analysis.merge(parts)) == whole
    left = right = None
    for part in parts:
        left = part if left is None else analysis.merge([left, part])
    for part in reversed(parts):
        right = part if right is None else analysis.merge([part, right])
    assert as_rows(left) == as_rows(right) == whole


def test_nothing_at_all():
    assert len(analysis.merge([])) == 0
    assert len(analysis.merge([counted([], False), counted([], True)])) == 0


def test_many_groups_find_their_slots():
    many = 100_000
    hours = np.arange(many, dtype=np.int64) * 3_600_000
    part = analysis.partial(INDEX, np.full(many, LON), np.full(many, LAT), hours, np.zeros(many, np.int32))
    assert len(part) == many and (part.values[:, 0] == 1).all() and (np.diff(part.key) > 0).all()


def test_what_does_not_fit_together():
    with pytest.raises(ValueError, match="2 positions but 1 times"):
        analysis.partial(INDEX, [LON, LON], [LAT, LAT], [0], [0, 0])
    for wrong in (-1, analysis.MOST_OPERATORS):
        with pytest.raises(ValueError, match="operators must be numbered"):
            analysis.partial(INDEX, [LON], [LAT], [0], [wrong])
