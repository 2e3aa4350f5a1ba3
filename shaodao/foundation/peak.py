"""How much memory a process and its children held at most."""

import os
from pathlib import Path


class Peak:
    """The most memory that this process and those that it started have held: the sum of each one's own peak."""

    def __init__(self) -> None:
        self.bytes = 0

    def look(self) -> None:
        """Ask now, while they run. Where there is no /proc, only this process is counted."""
        if not Path("/proc/self/status").exists():
            import resource

            self.bytes = max(self.bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            return
        self.bytes = max(self.bytes, sum(map(_held, _family(os.getpid()))))


def _family(root: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue  # it has just ended
            children.setdefault(parent, []).append(int(entry))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _held(process: int) -> int:
    try:
        lines = Path("/proc", str(process), "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
