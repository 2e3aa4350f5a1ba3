"""Damaged files of bays: either the file is called unreadable, or each of its rows is accounted for; never a traceback."""

from uuid import uuid4

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.bays import rows as bayrows
from shaodao.foundation import maps
from tests.bikes.outlines import as_csv, as_geojson, square

pytestmark = pytest.mark.nodb
THREE = {"A": square(), "B": square(20, 0), "C": square(40, 10)}
GIVEN = {"capacity": ["7", "", "12"], "kind": ["quota", "no_parking", "no_riding"], "quota": ["5", "", ""]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same bays in each kind of file."""
    folder = tmp_path_factory.mktemp("whole")
    as_csv(folder / "b.csv", THREE, **GIVEN), as_geojson(folder / "b.geojson", THREE, **GIVEN)
    for name, driver in (("b.gpkg", "GPKG"), ("b.shz", "ESRI Shapefile")):
        pyogrio.raw.write(
            folder / name, shapely.to_wkb(np.array(list(THREE.values()))), [np.array(list(THREE), object)], ["code"],
            geometry_type="Polygon", crs="EPSG:4326", driver=driver,
        )  # fmt: skip
    (folder / "b.shz").rename(folder / "b.zip")
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}


def damaged(content: bytes, cuts: list[tuple[float, bytes, int]]) -> bytes:
    """At each of some places, a few bytes give way to others."""
    for share, fresh, gone in cuts:
        at = int(share * len(content))
        content = content[:at] + fresh + content[at + gone :]
    return content


TOKENS = st.sampled_from(
    [
        b"",
        b"\x00",
        b'"',
        b",",
        b"[",
        b"]",
        b"{",
        b"null",
        b"NaN",
        b"1e999",
        b"-",
        b"\n",
        b"\r",
        b"\xff",
        b"999999",
        "点".encode(),
    ]
)
CUTS = st.lists(
    st.tuples(st.floats(0, 0.999), TOKENS | st.binary(max_size=4), st.integers(0, 40)), min_size=1, max_size=4
)


@pytest.mark.parametrize("suffix", [".csv", ".geojson", ".gpkg", ".zip"])
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cuts=CUTS)
def test_no_damage_ends_in_a_traceback(tmp_path_factory, whole, suffix, cuts):
    # a name of its own each time: GDAL remembers the directory of a zip by its path, size and second
    path = tmp_path_factory.getbasetemp() / f"fuzz-{uuid4().hex}{suffix}"
    path.write_bytes(damaged(whole[suffix], cuts))
    for names in (bayrows.BAY, bayrows.ZONE):
        try:
            file = bayfiles.read(path)
        except maps.Unreadable as error:
            assert str(error)
            return
        drafts, faults = bayrows.drafts(file, names, "no_parking")
        assert len(drafts) + len(faults) == file.read
        assert all(draft.shape.is_valid and draft.code.isprintable() for draft in drafts)
        assert all(fault.what for fault in faults)
