"""The front door says in one line what is wrong, and never shows a traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shaodao.cli import main
from shaodao.foundation import pack
from shaodao.foundation.models import District

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.once  # a SQLite file of its own, whatever the others run on
def test_on_a_new_database_the_accounts_are_simply_none(tmp_path):
    """Each command that asks the database makes its tables first."""
    for words in (
        ["user", "list", "--json"],
        ["user", "password", "nobody", "--password", "x"],
        ["export", "cases", "-o", str(tmp_path / "c.csv")],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "shaodao.cli", *words],
            cwd=ROOT, env={"SHAODAO_VAR": str(tmp_path / words[0] / words[1]), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == (2 if "password" in words else 0), done.stderr


@pytest.mark.django_db
def test_a_folder_that_is_not_there_is_named(town, tmp_path):
    for words in (
        ["export", "cases", "-o", str(tmp_path / "none" / "c.csv")],
        ["export", "catalogue", "-o", str(tmp_path / "none" / "c.xlsx")],
    ):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 1 and "none" in done.output and "No such file" in done.output


@pytest.mark.django_db
def test_a_second_district_does_not_slip_into_the_first(tmp_path):
    pack.load_pack(ROOT / "districts" / "example")
    before = District.objects.get()
    with pytest.raises(pack.PackError) as caught:
        pack.load_pack(ROOT / "districts" / "pingcheng")
    [problem] = caught.value.problems
    assert (problem.file, problem.column) == ("district.yaml", "code") and before.name in problem.what
    assert District.objects.get().name == before.name


@pytest.mark.django_db
def test_posts_say_what_was_done_and_what_was_wrong(town):
    town.person("department", username="wang")
    town.person("admin")
    run = CliRunner().invoke
    given = run(main, ["user", "post", "wang", "department", "WATER"])
    assert given.exit_code == 0 and "given" in given.output
    for words, said in (
        (["wang", "king", "WATER"], "role"),
        (["wang", "street", "WATER"], "role"),
        (["wang", "department", "NOWHERE"], "NOWHERE"),
        (["nobody", "department", "WATER"], "nobody"),
        (["wang", "inspector", "INSP", "--end"], "does not hold"),
    ):
        done = run(main, ["user", "post", *words])
        assert done.exit_code == 2 and said in done.output, done.output
    last = run(main, ["user", "post", "admin-HQ", "admin", "HQ", "--end"])
    assert last.exit_code == 1 and "最后一位" in last.output


def test_a_file_that_cannot_be_read_is_named_alone(tmp_path):
    """What refers to it is not called wrong as well."""
    copy = Path(shutil.copytree(ROOT / "districts" / "example", tmp_path / "copy"))
    path = copy / "places.csv"
    path.write_bytes(path.read_text("utf-8").encode("gbk"))
    done = CliRunner().invoke(main, ["pack", "check", str(copy), "--json"])
    errors = json.loads(done.output.splitlines()[-1])["errors"]
    assert done.exit_code == 1 and {e["file"] for e in errors} == {"places.csv"}
