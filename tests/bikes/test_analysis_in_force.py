"""`shaodao analyse parking` without a file of bays: it counts by those that are in force."""

import json

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from shaodao.bikes.actions import bays
from shaodao.bikes.bays.queries import BAYS
from shaodao.cli import main
from tests.bikes.outlines import geometry, square

pytestmark = pytest.mark.django_db


def run(place):
    return CliRunner().invoke(main, ["analyse", "parking", "--positions", str(place), "--json"])


def test_the_bays_of_the_database_are_those_that_are_in_force(office, tmp_path):
    inside = square().centroid
    parquet.write_table(
        pa.table({"lon": [inside.x], "lat": [inside.y], "time": [1_793_000_000]}), tmp_path / "a.parquet"
    )
    nothing = run(tmp_path)
    assert nothing.exit_code == 2 and "--bays" in nothing.output
    bay = bays.add(BAYS, office.hq, "P-1", geometry(square()), {})
    bays.add(BAYS, office.hq, "P-2", geometry(square(40)), {})
    said = json.loads(run(tmp_path).stdout.splitlines()[-1])
    assert (said["bays"], said["rows"], said["in_bay"]) == (2, 1, 1)
    bays.remove(BAYS, office.hq, bay.pk, version=1, reason="修路")
    said = json.loads(run(tmp_path).stdout.splitlines()[-1])
    assert (said["bays"], said["in_bay"]) == (1, 0)
