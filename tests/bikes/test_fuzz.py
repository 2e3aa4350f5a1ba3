"""Whatever JSON comes in, the audit answers: no exception, ever."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shaodao.bikes.gbfs import reading, versions
from shaodao.bikes.gbfs.audit import audit, judge
from shaodao.bikes.gbfs.findings import ERROR
from shaodao.bikes.gbfs.parsing import parse
from tests.bikes import feeds

pytestmark = pytest.mark.nodb

WORDS = [
    *("lat", "lon", "station_id", "vehicle_id", "bike_id", "vehicle_type_id", "count", "capacity", "last_reported"),
    *("type", "coordinates", "MultiPolygon", "features", "rules", "geometry", "properties", "feeds", "name", "url"),
    *("language", "text", "version", "2.3", "3.0", "zh", "2026-01-01T00:00:00Z", "station_area", "rental_uris", "web"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1e308, -1e308, 5e-324, 10**30, 90.0, 180.0, 1e11, 253402300800])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
keys = st.sampled_from(WORDS) | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
PLENTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def spots(node, path=()):
    """Every place of a document."""
    yield path
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield from spots(value, (*path, key))


SMALL = {version: feeds.valid(version, vehicles=21, bays=4) for version in ("2.3", "3.0")}
SPOTS = {version: list(spots(feed)) for version, feed in SMALL.items()}


def read_from_memory(feed):
    """What `read_folder` would read."""
    read = reading.Reading()
    for name, document in feed.items():
        read.parsed(name, f"{name}.json", json.dumps(document).encode())
    files = {file.name: file for file in read.files}
    if "gbfs" in files:
        reading.lines(files["gbfs"])
    read.feeds.append(reading._feed(files, "", set(), feeds.NOW, live=True))
    return read


@PLENTY
@given(st.dictionaries(st.sampled_from(versions.file_names()), values, max_size=6))
def test_files_of_anything(feed):
    judge(read_from_memory(feed))


@settings(PLENTY, max_examples=300)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_a_valid_feed_with_some_values_replaced(version, data):
    feed = copy.deepcopy(SMALL[version])
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(SPOTS[version]))
        node = feed
        for key in path[:-1]:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):  # replaced in an earlier round
                break
        else:
            if path and (isinstance(node, dict) or (isinstance(node, list) and path[-1] in range(len(node)))):
                node[path[-1]] = data.draw(values)
    judge(read_from_memory(feed))


@PLENTY
@given(st.binary(max_size=60) | values.map(lambda v: json.dumps(v).encode()[:40]))
def test_bytes_of_anything(content):
    document, found = parse(content, "x.json")
    assert document is None or isinstance(document, dict)
    assert document is not None or any(f.level == ERROR for f in found)


def test_depth_and_size_that_break_parsers(tmp_path):
    feeds.write(feeds.valid(), tmp_path)
    deep = b'{"last_updated": "x", "data": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"
    (tmp_path / "system_regions.json").write_bytes(deep)
    (tmp_path / "system_alerts.json").write_bytes(b'{"ttl": ' + b"9" * 6000 + b"}")
    report = audit(str(tmp_path), feeds.NOW)
    assert {"system_regions.json", "system_alerts.json"} <= {f.file for f in report.errors}
