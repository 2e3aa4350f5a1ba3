"""How kernels are compiled with Numba. A kernel's compiled functions that call each other belong in one file.

Numba's cache compares only the file of the function that it loads: a change of a function that is called but stands in
another file would go unseen. The cache lies beside the file (``__pycache__``) or, where that folder cannot be written, in
the user's cache folder (``NUMBA_CACHE_DIR`` names another); where neither can be, each process compiles anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F, **how: Any) -> F:
    """Compile at the first call; runs without the interpreter's lock; a division by zero gives infinity, as in NumPy."""
    how |= {"nogil": True, "error_model": "numpy"}
    try:
        made: F = njit(cache=True, **how)(function)
    except RuntimeError:  # no cache folder: a read-only installation run by a user without a home
        made = njit(**how)(function)
    return made


def inlined(function: F) -> F:
    """Compile into each caller, so that its loop is one piece of arithmetic that can be turned into vector instructions."""
    return compiled(function, inline="always")


def bare(function: F) -> F:
    """Compile without counting references to arrays, for an inner function that allocates nothing.

    Numba counts up and down, atomically, each array that is read out of a tuple: more work than a short function does.
    """
    return compiled(function, _nrt=False)
