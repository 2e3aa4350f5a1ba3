"""A database for one benchmark, dropped afterwards."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tools.test import postgresql


@contextmanager
def database(kind: str) -> Iterator[str | None]:
    """A database of our own, dropped afterwards; None where there is no server."""
    if kind == "sqlite":
        yield ""
        return
    import psycopg

    base = postgresql()
    if base is None:
        yield None
        return
    name = f"shaodao_bench_{secrets.token_hex(4)}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    try:
        yield base.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')
