"""Each planted fault is found by the check that is for it, and by no other; a peer finds nothing that we do not."""

import random

import pytest
from gbfs_validator import GBFS

from shaodao.bikes.gbfs.audit import Report, audit
from tests.bikes import feeds
from tests.bikes.faults import DOUBTS, FAULTS, listed

pytestmark = pytest.mark.nodb


def report(feed: feeds.Feed, folder) -> Report:
    return audit(str(feeds.write(feed, folder)), feeds.NOW)


def cases(faults):
    return [
        pytest.param(version, change, check, beside, id=f"{name}-{version}")
        for name, check, change, versions, beside in faults
        for version in versions
    ]


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2", "2.3", "3.0"])
def test_a_valid_feed_has_nothing_to_say(version, tmp_path):
    feed = feeds.valid(version)
    if version == "2.0":  # which had neither
        for name in ("vehicle_types", "geofencing_zones"):
            del feed[name]
            listed(feed)[:] = [line for line in listed(feed) if line["name"] != name]
    found = report(feed, tmp_path)
    assert (found.errors, found.warnings, found.version) == ([], [], version)
    assert len(found.files) == len(feed)


@pytest.mark.parametrize("version", ["3.1-RC", "3.1-RC3"])
def test_a_candidate_is_read_by_the_rules_of_its_release(version, tmp_path):
    found = report(feeds.valid(version), tmp_path)
    assert found.errors == [] and [f.check for f in found.warnings] == ["version-candidate"]


@pytest.mark.parametrize(("version", "change", "check", "beside"), cases(FAULTS))
def test_a_fault_is_an_error_of_its_check(version, change, check, beside, tmp_path):
    feed = feeds.valid(version)
    change(feed)
    found = report(feed, tmp_path)
    assert check in {f.check for f in found.errors}
    assert {(f.level, f.check) for f in (*found.errors, *found.warnings)} - beside == {("error", check)}


@pytest.mark.parametrize(("version", "change", "check", "beside"), cases(DOUBTS))
def test_a_doubt_is_a_warning_of_its_check(version, change, check, beside, tmp_path):
    feed = feeds.valid(version)
    change(feed)
    found = report(feed, tmp_path)
    assert check in {f.check for f in found.warnings}
    assert {(f.level, f.check) for f in (*found.errors, *found.warnings)} - beside == {("warning", check)}


# The peer: gbfs-validator, whose schemas we use, with its own engine and its own rules across files.

KNOWN = {
    **dict.fromkeys(("missing-field", "wrong-type", "latitude", "unknown-enum", "negative-ttl"), True),
    **dict.fromkeys(("status-of-unknown-station", "sum", "same-id", "open-ring", "null-island"), False),
}
"""Does the peer find it?"""
SOFTER = {"minor-version", "zh-Hans"}
"""What the peer calls an error and we a warning: see `system.mixed_versions` and the head of `schema.py`."""


def peer_errors(feed: feeds.Feed, folder) -> int:
    for line in listed(feed):
        line["url"] = f"{folder.as_uri()}/{line['name']}.json"
    feeds.write(feed, folder)
    docked = any(line["name"] == "station_status" for line in listed(feed))
    return GBFS(f"{folder.as_uri()}/gbfs.json", docked=docked, freefloating=True).validation()["summary"]["errorsCount"]


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.3", "3.0"])
def test_the_peer_has_nothing_to_say_about_a_valid_feed_either(version, tmp_path):
    assert peer_errors(feeds.valid(version), tmp_path) == 0


def test_what_the_peer_finds_we_find(tmp_path):
    found = {}
    for name, _check, change, versions, _beside in (*FAULTS, *DOUBTS):
        for version in versions:
            feed, folder = feeds.valid(version), tmp_path / f"{name}-{version}"
            change(feed)
            found[name] = peer_errors(feed, folder) > 0
            ours = audit(str(folder), feeds.NOW)
            assert ours.errors or not found[name] or (name in SOFTER and ours.warnings), (name, version)
    assert {name: found[name] for name in KNOWN} == KNOWN


@pytest.mark.parametrize("seed", range(8))
def test_vehicles_anywhere_are_not_taken_for_another_datum(seed, tmp_path):
    feed, dice = feeds.valid(vehicles=200), random.Random(seed)
    for row in feeds.vehicles(feed):
        row.update(lon=round(113.28 + dice.random() * 0.08, 6), lat=round(40.06 + dice.random() * 0.05, 6))
    found = report(feed, tmp_path)
    assert (found.errors, found.warnings) == ([], [])
