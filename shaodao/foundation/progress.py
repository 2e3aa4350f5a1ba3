"""A progress bar for commands, whatever room they belong to. No Django."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(label: str) -> Iterator[Callable[..., None]]:
    """A bar on standard error; calling it with (n) moves it on, with (total=n) sets its length. Gone at the end of a pipe."""
    talk = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=talk, transient=not talk.is_terminal) as progress:
        task = progress.add_task(label, total=None)

        def move(n: int = 0, *, total: int | None = None) -> None:
            if total is not None:
                progress.update(task, total=total)
            progress.advance(task, n)

        yield move
