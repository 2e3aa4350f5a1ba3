"""The test command: the suite on SQLite, what depends on the database on PostgreSQL where a server answers, then the browser.

DATABASE_URL or SHAODAO_TEST_POSTGRESQL chooses the PostgreSQL server; else the usual local address is tried.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CANDIDATES = ("postgresql://postgres@127.0.0.1:5432/postgres", "postgresql:///postgres")


def postgresql() -> str | None:
    """The address of a PostgreSQL server on which a test database can be made."""
    import psycopg

    given = os.environ.get("SHAODAO_TEST_POSTGRESQL")
    for url in [given] if given else CANDIDATES:
        try:
            with psycopg.connect(url, connect_timeout=3) as connection:
                row = connection.execute("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")
                if row.fetchone()[0]:
                    return url
        except psycopg.Error:
            continue
    return None


def run(label: str, arguments: list[str], **environment: str) -> int:
    print(f"\n== {label}", flush=True)
    start = time.monotonic()
    command = [sys.executable, "-m", "pytest", *arguments]
    # Half of what a process needs to find its tests is to compile them; five of them, and the commands that tests start,
    # share that through __pycache__.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = subprocess.run(command, cwd=ROOT, env={**kept, **environment}, check=False).returncode
    print(f"== {label}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - start:.0f} s", flush=True)
    return code


def main() -> int:
    workers = ["-n", str(min(4, os.cpu_count() or 2))]
    failed = run("tests on SQLite", [*workers, "-m", "not browser"])
    url = postgresql()
    if url:
        failed |= run(
            "what depends on the database, on PostgreSQL",
            [*workers, "-m", "not browser and not nodb and not once and not slow"],
            DATABASE_URL=url,
        )
    else:
        print("\n== PostgreSQL: SKIPPED, no server answers (set SHAODAO_TEST_POSTGRESQL)", flush=True)
    pages = ["tests/browser", "tests/foundation/test_browser.py", "-m", "browser", "-p", "no:schemathesis"]
    browser = run("the browser", [*pages, *workers])
    if browser:  # waits run out on a machine that does something else: what failed gets one more chance, alone
        browser = run("the browser again, only what failed", [*pages, "-p", "no:xdist", "--last-failed"])
    failed |= browser
    return failed


if __name__ == "__main__":
    sys.exit(main())
