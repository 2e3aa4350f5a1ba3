"""A GBFS feed on a server of the test, set for an operator, and fetched once."""

from datetime import timedelta

from shaodao.bikes.actions import feeding
from shaodao.bikes.models import OperatorFeed, VehicleStatus
from shaodao.foundation import clock
from tests.bikes.street import LAT, LON, METRE


def vehicle(name="v1", north_m=0.0, ago_s=5.0, key="vehicle_id", **given):
    at = clock.now() - timedelta(seconds=ago_s)
    return {
        key: name, "lon": LON, "lat": LAT + north_m * METRE, "is_reserved": False, "is_disabled": False,
        "last_reported": at.isoformat() if key == "vehicle_id" else int(at.timestamp()),
    } | given  # fmt: skip


def offer(server, *vehicles, version="3.0", updated=None):
    """A feed of gbfs.json and its vehicles under the server's address."""
    new = version.startswith("3")
    name, array = ("vehicle_status", "vehicles") if new else ("free_bike_status", "bikes")
    at = updated or clock.now()
    head = {"last_updated": at.isoformat() if new else int(at.timestamp()), "ttl": 30, "version": version}
    feeds = [{"name": name, "url": f"{server.url}/{name}.json"}]
    index = head | {"data": {"feeds": feeds} if new else {"zh": {"feeds": feeds}}}
    server.offer({"gbfs": index, name: head | {"data": {array: list(vehicles)}}})


def put(office, operator, server, path="/gbfs.json", **given):
    row = {"url": server.url + path, "header": "", "secret": "", "datum": "WGS-84", "interval_s": 60, "active": True}
    return feeding.set_feed(operator, row | given, office.actor("hq"))


def pulled(office, operator):
    done = feeding.pull_feed(operator, office.actor("system"))
    assert OperatorFeed.objects.get(operator=operator).fault == done.fault
    return done


def states(operator):
    return dict(VehicleStatus.objects.filter(operator=operator).values_list("vehicle_id", "state"))
