"""A real morning at a hundred times its speed, through the real doors: MQTT by a real broker, MDS by a real server. Both are
killed (kill -9) in the middle. Nothing is lost, nothing is there twice, and the day's figures are those of the file.

SHAODAO_REPLAY_MINUTES says how much of the morning (default 20, up to 120).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pytest
import shapely
from django.conf import settings
from pyarrow import parquet

from shaodao.bikes import ground
from shaodao.bikes.bays import files as bayfiles
from shaodao.bikes.ingest import keep
from shaodao.bikes.models import Bay, FeedQuality
from shaodao.bikes.reports import daily
from shaodao.foundation import clock, district, listen
from shaodao.foundation.models import District
from shaodao.organisations import tokens
from tests import real
from tests.bikes.office import Office
from tests.bikes.test_day_report import command
from tests.bikes.test_mqtt import ROOT, Process, Publisher, database_url, on_broker, until, url  # noqa: F401 - a fixture

DATA = real.DATA
MINUTES = int(os.environ.get("SHAODAO_REPLAY_MINUTES", "20"))
SPEED, AT_ONCE = 100, 0.25  # seconds of the replay in one message or call


class Morning:
    """The events in order, on yesterday's date: `batches` of (seconds from the start of the replay, rows)."""

    def __init__(self, folder):
        events = parquet.read_table(f"{DATA}/bikes/xiamen_lock_events.parquet").sort_by("time")
        at = events["time"].cast(pa.timestamp("ms")).cast(pa.int64()).to_numpy()
        first = at[0]
        mine = at < first + MINUTES * 60_000
        day = datetime(1970, 1, 1) + timedelta(milliseconds=int(first))
        self.day = clock.local(clock.now()).date() - timedelta(days=1)
        shift = (self.day - day.date()).days * 86_400_000 - 8 * 3_600_000  # the file has the wall clock of China
        self.at = at[mine] + shift
        self.ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(bike))) for bike in events["bike"].to_numpy()[mine]]
        self.lon, self.lat = (events[name].to_numpy()[mine] for name in ("lon", "lat"))
        # The ingest has each bike once at one time; so has the file.
        _once, kept = np.unique(
            np.array([f"{v} {t}" for v, t in zip(self.ids, self.at, strict=True)]), return_index=True
        )
        self.unique = np.sort(kept)
        self.file = folder / "morning.parquet"
        local = pa.array(self.at + 8 * 3_600_000).cast(pa.timestamp("ms"))
        columns = {"vehicle_id": self.ids, "time": local, "lon": self.lon, "lat": self.lat}
        parquet.write_table(pa.table(columns).take(pa.array(self.unique)), self.file)

    def batches(self):
        slot = ((self.at - self.at[0]) / 1000 / SPEED / AT_ONCE).astype(int)
        for n in np.unique(slot):
            yield n * AT_ONCE, np.flatnonzero(slot == n)

    def play(self, send):
        begin = time.monotonic()
        for seconds, rows in self.batches():
            time.sleep(max(0, begin + seconds - time.monotonic()))
            send(rows)


class Server:
    """The web server in a process of its own; `kill` ends it and its workers as a power cut would."""

    def __init__(self, database, var, port):
        self.environment = {
            "PATH": "/usr/bin:/bin", "DATABASE_URL": database, "SHAODAO_VAR": str(var), "PYTHONPATH": str(ROOT),
            "HOME": os.environ.get("HOME", "/"), "DJANGO_SETTINGS_MODULE": "shaodao.config.settings",
            "SHAODAO_SECRET_KEY": settings.SECRET_KEY,
        }  # fmt: skip
        self.port = port
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port),
             "--workers", "1", "--log-level", "error", "shaodao.config.wsgi:application"],
            cwd=ROOT, env=self.environment, start_new_session=True,
        )  # fmt: skip

    def answers(self):
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/mds/v2/policies", timeout=10).is_success
        except httpx.HTTPError:
            return False

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)


def pushed(morning, token, port):
    """Sends each batch until it is answered, as an operator's system does."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/vnd.mds+json;version=2.0"}

    def send(rows):
        body = orjson.dumps([
            {"device_id": morning.ids[n], "timestamp": int(morning.at[n]), "trip_ids": None,
             "location": {"lat": float(morning.lat[n]), "lng": float(morning.lon[n])}}
            for n in rows
        ])  # fmt: skip
        for _attempt in range(400):
            try:
                answer = httpx.post(
                    f"http://127.0.0.1:{port}/mds/v2/telemetry", content=body, headers=headers, timeout=30
                )
                if answer.status_code in (201, 409):
                    return
                assert answer.status_code in (400, 503), answer.text[:300]
                if answer.status_code == 400:  # nothing of it was taken: all of it is there already
                    assert {f["error"] for f in answer.json()["failures"]} == {"duplicate"}, answer.text[:300]
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError("the server did not come back")

    morning.play(send)


@pytest.mark.data
@pytest.mark.slow
@on_broker
@pytest.mark.skipif(not os.path.exists(f"{DATA}/bikes/xiamen_lock_events.parquet"), reason=f"no {DATA}/bikes")
@pytest.mark.django_db(transaction=True)
def test_a_real_morning_across_a_power_cut(town, url, tmp_path):  # noqa: F811
    office = Office(town)
    office.settle(ingest={"registered_only": False})
    District.objects.update(centre_lon=118.1, centre_lat=24.5)
    district.forget()
    ground.forget()
    by_mqtt, by_mds = office.brought_to("admitted", "BIKE-A"), office.brought_to("admitted", "BIKE-B")
    _row, token = tokens.issue(office.clerk(by_mds), "replay", ["bikes"], clock.now())
    bays()
    morning = Morning(tmp_path)
    server = Server(database_url(), tmp_path / "web", 18_000 + os.getpid() % 2_000)
    subscriber = Process(url, database_url(), tmp_path / "mqtt")
    publisher = Publisher(listen.Broker.of(url).topic_of("BIKE-A"))

    def published(rows):
        publisher.send([
            {"vehicle_id": morning.ids[n], "time": int(morning.at[n]), "lon": float(morning.lon[n]), "lat": float(morning.lat[n])}
            for n in rows
        ])  # fmt: skip

    try:
        assert until(server.answers)
        threads = [
            threading.Thread(target=morning.play, args=(published,)),
            threading.Thread(target=pushed, args=(morning, token, server.port)),
        ]
        assert until(lambda: subscribed(by_mqtt, publisher))
        for thread in threads:
            thread.start()
        time.sleep(MINUTES * 60 / SPEED / 2)
        server.kill()
        subscriber.end(signal.SIGKILL)
        time.sleep(1)
        server.start()
        subscriber = Process(url, database_url(), tmp_path / "mqtt")
        for thread in threads:
            thread.join()
        publisher.close()
        everything = morning.unique.size
        assert until(lambda: (sum_kept(by_mqtt), sum_kept(by_mds)) == (everything + 1, everything), 60), (
            sum_kept(by_mqtt), sum_kept(by_mds), everything,
        )  # fmt: skip
    finally:
        server.kill()
        subscriber.end(signal.SIGKILL)
    assert keep.keep(clock.now(), all_of_it=True) == 2 * everything + 1
    own = daily.count(morning.day, everywhere=True).figures["operators"]
    offline = command(
        *("--positions", morning.file, "--bays", f"{DATA}/bikes/xiamen_bays.csv"),
        *("--operator", "BIKE-A", "--day", morning.day, "--everywhere"),
    )["operators"]["BIKE-A"]
    assert own["BIKE-A"] == own["BIKE-B"] == offline
    assert offline["positions"] == everything


def subscribed(operator, publisher):
    """The broker keeps messages from the first subscription on: one bike of the day before shows that it is there."""
    at = int((clock.now() - timedelta(days=3)).timestamp() * 1000) // 86_400_000 * 86_400_000
    publisher.send({"vehicle_id": "first", "time": at, "lon": 118.1, "lat": 24.5})
    time.sleep(0.2)
    return sum_kept(operator) == 1


def sum_kept(operator):
    return sum(FeedQuality.objects.filter(operator=operator).values_list("kept", flat=True))


def bays():
    shapes = bayfiles.read(Path(DATA) / "bikes" / "xiamen_bays.csv")
    middles = shapely.centroid(shapes.shapes)
    Bay.objects.bulk_create(
        Bay(
            code=code, geometry=json.loads(shapely.to_geojson(shape)), lon=at.x, lat=at.y, length_m=6, area_m2=10,
            capacity=10, valid_from=clock.now() - timedelta(days=2),
        )
        for code, shape, at in zip(shapes.ids, shapes.shapes, middles, strict=True)
    )  # fmt: skip
