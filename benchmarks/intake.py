"""HTTP load on a server of our own: POST a report, list 100 cases, one case, one status change.

For SQLite and, where a server answers, PostgreSQL: requests/s and latencies with four clients, web CPU per request
(of the server's processes, from the kernel's accounting) and queries per request (counted by the server).
Peer: Signalen 2.50 on a machine of the same size with authentication on and mail off, measured in November 2026.
"""

import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
from _bench import ROOT, Result, Skip, benchmark, main
from _database import database

CASES, CLIENTS, REQUESTS = 400, 4, 200
PEER = "Signalen 2.50"
PEERS = {  # queries, web CPU in ms
    "post": (51, 75.0),
    "list100": (513, 1240.0),
    "detail": (17, 60.0),
    "status": (42, 94.0),
}
SEED = """
import os, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from pathlib import Path
from shaodao.cases.actions import Actor, Submission, perform, report
from shaodao.catalogue.models import Category
from shaodao.foundation import clock, district, pack
from shaodao.organisations import actions, tokens
from shaodao.places.models import Cell
pack.load_pack(Path(sys.argv[1]))
district.forget()
person = actions.create_person("bench", "bench", None)
for role in ("intake", "duty_leader", "dispatcher", "hotline"):
    actions.set_post(person, role, sys.argv[3])
_row, secret = tokens.issue(person, "bench", ["read", "report", "act"], clock.now())
categories = list(Category.objects.filter(public=True, scheme__active=True)[:20])
cells = list(Cell.objects.order_by("code")[:: max(1, Cell.objects.count() // int(sys.argv[2]))][: int(sys.argv[2])])
for i, cell in enumerate(cells):
    report(Submission(text=f"benchmark {i}", category=categories[i % len(categories)],
           lon=(cell.west + cell.east) / 2e6, lat=(cell.south + cell.north) / 2e6), Actor.public())
print(secret)
"""


@dataclass
class Server:
    url: str
    token: str
    pids: list[int]

    def cpu_s(self) -> float:
        """User and system seconds of the server's processes so far."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    found = [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [g for c in found for g in _children(c)]


@contextmanager
def server(kind: str) -> Iterator[Server | None]:
    """A seeded database behind granian with two workers, as `shaodao run` starts it."""
    with tempfile.TemporaryDirectory() as var, database(kind) as url:
        if url is None:
            yield None
            return
        port = _free_port()
        environment = {**os.environ, "SHAODAO_VAR": var, "DJANGO_SETTINGS_MODULE": "shaodao.config.settings",
                       "SHAODAO_MEASURE": "1", "DATABASE_URL": url, "SHAODAO_ORIGIN": f"http://127.0.0.1:{port}"}  # fmt: skip
        seed = subprocess.run(
            [sys.executable, "-c", SEED, str(ROOT / "districts" / "pingcheng"), str(CASES), "HQ"],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if seed.returncode:
            raise RuntimeError(seed.stderr[-2000:])
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
             "--workers", "2", "--blocking-threads", "4", "--log-level", "error", "shaodao.config.wsgi:application"],
            env=environment, cwd=ROOT,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            yield Server(address, seed.stdout.strip().splitlines()[-1], [process.pid, *_children(process.pid)])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _wait(address: str) -> None:
    for _attempt in range(150):
        try:
            if httpx.get(f"{address}/open311/v2/discovery.json", timeout=5).status_code < 500:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError("the server did not answer")


Call = Callable[[httpx.Client, int], httpx.Response]


def calls(target: Server) -> dict[str, tuple[Call, int]]:
    """The four calls, each with how often it can be made."""
    api = f"{target.url}/api/v1"
    with _client(target) as client:
        numbers: list[str] = []
        page = 1
        while len(numbers) < CASES:
            rows = _good(client.get(f"{api}/cases", params={"page_size": 100, "page": page})).json()["items"]
            if not rows:
                break
            numbers += [row["number"] for row in rows]
            page += 1
        cells = _good(client.get(f"{api}/cases", params={"page_size": 100})).json()["items"]
        category = cells[0]["category"]["key"]
    places = [(row["lon"], row["lat"]) for row in cells]

    def post(client: httpx.Client, i: int) -> httpx.Response:
        lon, lat = places[i % len(places)]
        body = {"text": f"load {i}", "category": category, "lon": lon, "lat": lat, "client_key": secrets.token_hex(8)}
        return client.post(f"{api}/reports", json=body)

    def status(client: httpx.Client, i: int) -> httpx.Response:
        return client.post(f"{api}/cases/{numbers[i]}/actions/file", json={}, headers={"If-Match": '"1"'})

    return {
        "list100": (lambda client, i: client.get(f"{api}/cases", params={"page_size": 100}), REQUESTS),
        "detail": (lambda client, i: client.get(f"{api}/cases/{numbers[i % len(numbers)]}"), REQUESTS),
        "status": (status, min(REQUESTS, len(numbers))),
        "post": (post, REQUESTS),
    }


def _client(target: Server) -> httpx.Client:
    return httpx.Client(headers={"Authorization": f"Bearer {target.token}"}, timeout=60)


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 400:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}")
    return answer


def load(target: Server, call: Call, times: int) -> dict[str, float]:
    """Make a call `times` times with CLIENTS clients and measure it."""
    seconds: list[float] = []
    queries: list[int] = []

    def client_work(first: int) -> None:
        with _client(target) as client:
            for i in range(first, times, CLIENTS):
                start = time.perf_counter()
                answer = _good(call(client, i))
                seconds.append(time.perf_counter() - start)
                queries.append(int(answer.headers["X-Queries"]))

    cpu, start = target.cpu_s(), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client_work, range(CLIENTS)))
    wall = time.perf_counter() - start
    return {
        "queries": statistics.median(queries),
        "cpu_ms": (target.cpu_s() - cpu) / times * 1000,
        "p50_ms": statistics.median(seconds) * 1000,
        "p95_ms": statistics.quantiles(seconds, n=20)[-1] * 1000,
        "rps": times / wall,
    }


UNITS = {"queries": "1", "cpu_ms": "ms", "p50_ms": "ms", "p95_ms": "ms", "rps": "1/s"}


@cache
def measured(kind: str) -> dict[str, dict[str, float]]:
    """All figures of all calls on one database, measured once."""
    with server(kind) as target:
        if target is None:
            raise Skip("no PostgreSQL server answers (set SHAODAO_TEST_POSTGRESQL)")
        return {name: load(target, call, times) for name, (call, times) in calls(target).items()}


def register(name: str, figure: str, kind: str) -> None:
    peer = dict(zip(("queries", "cpu_ms"), PEERS[name], strict=True)).get(figure)

    @benchmark(f"intake.{name}.{figure}.{kind}", UNITS[figure], PEER if peer else None)
    def one() -> Result:
        return Result(measured(kind)[name][figure], peer)


for _kind in ("sqlite", "postgresql"):
    for _name in PEERS:
        for _figure in UNITS:
            register(_name, _figure, _kind)


if __name__ == "__main__":
    raise SystemExit(main(__doc__))
