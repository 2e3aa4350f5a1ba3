"""Copies of the packs that tests may break."""

import shutil
from pathlib import Path

import pytest

DISTRICTS = Path(__file__).resolve().parents[2] / "districts"


@pytest.fixture
def example(tmp_path):
    """A copy of districts/example."""
    return Path(shutil.copytree(DISTRICTS / "example", tmp_path / "example"))


@pytest.fixture
def pingcheng():
    return DISTRICTS / "pingcheng"


@pytest.fixture
def edit(example):
    """Replace text in a file of the copied example; the text must be there."""

    def replace(file, old, new):
        path = example / file
        content = path.read_text(encoding="utf-8")
        assert old in content, f"{old!r} is not in {file}"
        path.write_text(content.replace(old, new, 1), encoding="utf-8")
        return example

    return replace
