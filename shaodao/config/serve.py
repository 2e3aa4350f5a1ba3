"""Preparing and running the program: database, pack, demonstration, then the processes that serve it."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

OPTIONAL = {"events", "mqtt", "tracks", "bikes"}  # processes without which the others go on


def pack_directory() -> Path:
    """The pack that is loaded into an empty database: from the source tree, else from the installed package."""
    for base in (settings.ROOT, settings.PACKAGE):
        if (base / "districts" / "pingcheng").is_dir():
            return base / "districts" / "pingcheng"
    raise FileNotFoundError("districts/pingcheng")


def make_tables() -> None:
    """Migrate a database that has no tables yet."""
    from django.core.management import call_command
    from django.db import connection

    if "django_migrations" not in connection.introspection.table_names():
        call_command("migrate", verbosity=0, interactive=False)


def load_district(directory: Path | None, *, demo: bool, talk: Any) -> None:
    """Load a pack (default: Pingcheng) into a database that serves no district yet; a faulty pack ends the program."""
    from shaodao.foundation import pack as packs
    from shaodao.foundation.models import District

    if District.objects.exists():
        return
    directory = directory or pack_directory()
    talk.print(f"loading {directory.name} …")
    try:
        packs.load_pack(directory, demo=demo, demo_password=demo_password() if demo else None)
    except packs.PackError as error:
        talk.print("\n".join(str(p) for p in error.problems[:20]), markup=False)
        sys.exit(1)


def prepare(district: Path | None, *, demo: bool, bar: Callable[..., Any], talk: Any) -> None:
    """Migrate; into an empty database load the pack and, for a demonstration, its accounts and sample cases."""
    from django.core.management import call_command

    from shaodao.bikes import demo as bikes
    from shaodao.cases import demo as sample
    from shaodao.cases.models import Case
    from shaodao.sanitation import demo as sanitation

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    load_district(district, demo=demo, talk=talk)
    if demo:
        demo_accounts()
        if not Case.objects.exists():
            with bar("demo") as move:
                sample.play(progress=move)
        bikes.play(district or pack_directory())
        sanitation.play()


def demo_password() -> str:
    """One random password for all demonstration accounts, made once and kept beside the database (mode 600)."""
    from shaodao.config.views import DEMO_FILE

    kept = settings.VAR / DEMO_FILE
    if not kept.exists():
        kept.touch(0o600)
        kept.write_text(f"sample-{secrets.token_hex(4)}")
    return kept.read_text().strip()


def demo_accounts() -> str:
    """Let the demonstration accounts of this database sign in with the password that is kept here; answers it."""
    from django.contrib.auth.hashers import make_password

    from shaodao.organisations.models import Person

    password = demo_password()
    first = Person.objects.filter(sample=True).first()
    if first and not first.check_password(password):
        Person.objects.filter(sample=True).update(password=make_password(password))
    return password


def serve(host: str, port: int, workers: int, *, demo: bool, talk: Any) -> int:
    """Run the web server, the event stream, the clock, and where MQTT_URL is set the subscriber, until one of them ends
    or we are told to stop.

    Without the stream (its port, the next one, is taken) the pages only do not announce news by themselves.
    """
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "shaodao.config.settings"}
    environment["SHAODAO_EVENTS_PORT"] = str(port + 1)
    if demo:
        environment["SHAODAO_DEMO"] = "1"
    if "SHAODAO_ORIGIN" not in environment:
        environment["SHAODAO_ORIGIN"] = f"http://{host}:{port}"
    granian = [sys.executable, "-m", "granian", "--host", host, "--no-ws", "--log-level", "warning"]
    commands = {
        "web": [*granian, "--interface", "wsgi", "--port", str(port), "--workers", str(workers),
                "--blocking-threads", "4", "shaodao.config.wsgi:application"],
        "events": [*granian, "--interface", "asgi", "--port", str(port + 1), "--workers", "1",
                   "--workers-kill-timeout", "3", "shaodao.config.asgi:application"],
        "clock": [sys.executable, "-m", "shaodao.cli", "tick", "--loop", "15"],
    }  # fmt: skip
    if settings.MQTT_URL:
        commands["mqtt"] = [sys.executable, "-m", "shaodao.cli", "bikes", "mqtt"]
        commands["tracks"] = [sys.executable, "-m", "shaodao.cli", "sanitation", "mqtt"]
    if demo:
        commands["bikes"] = [sys.executable, "-m", "shaodao.cli", "bikes", "demo-feed"]
    processes = {name: subprocess.Popen(command, env=environment) for name, command in commands.items()}
    stop = {"asked": False}

    def ask(_number: int, _frame: Any) -> None:
        stop["asked"] = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    greet(host, port, demo=demo, talk=talk)
    failed = None
    while not stop["asked"] and failed is None:
        time.sleep(0.3)
        failed = next((name for name, p in processes.items() if name not in OPTIONAL and p.poll() is not None), None)
    for process in processes.values():
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    for process in processes.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    if failed and not stop["asked"]:
        talk.print(f"the {failed} process ended; is port {port} taken?")
        return 1
    return 0


def greet(host: str, port: int, *, demo: bool, talk: Any) -> None:
    """Say where it is, and who can sign in when it is a demonstration."""
    from shaodao.organisations.models import Post

    print(f"哨到 Shaodao: http://{host}:{port}", flush=True)
    if not demo:
        return
    from django.urls import reverse
    from rich.table import Table

    from shaodao.sanitation import demo as sanitation

    password = demo_accounts()
    table = Table(title=f"demonstration accounts (示例账号), password: {password}", title_justify="left")
    for column in ("account", "post", "organisation"):
        table.add_column(column)
    shown: set[str] = set()
    for post in Post.objects.filter(person__sample=True, active=True).select_related("person", "organisation"):
        if post.role not in shown:
            shown.add(post.role)
            table.add_row(post.person.username, str(post.get_role_display()), post.organisation.name)
    talk.print(table)
    phone = sanitation.phone(lambda token: reverse("sanitation_crew", args=[token]))
    if phone:
        print(f"a crew's phone (示例班组手机): http://{host}:{port}{phone}", flush=True)


def tick_forever(seconds: int) -> None:
    """Rounds of the clock until told to stop; a failing round is logged and does not end the loop."""
    import logging

    from django.db import close_old_connections

    from shaodao.cases import tasks

    stop = {"asked": False}

    def ask(_number: int, _frame: Any) -> None:
        stop["asked"] = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    while not stop["asked"]:
        busy = False
        try:
            busy = tasks.tick()["worked"] > 0
        except Exception:
            logging.getLogger("shaodao.clock").exception("a round of the clock failed")
        close_old_connections()
        until = time.monotonic() + (0 if busy else seconds)  # a file that is worked off does not wait between rounds
        while time.monotonic() < until and not stop["asked"]:
            time.sleep(0.5)
