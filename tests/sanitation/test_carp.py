"""CARP files: read, solved and answered by the command; what is wrong is named with line and keyword."""

import csv
import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.routing.checker import check
from shaodao.sanitation.plan import carp
from shaodao.sanitation.plan.cli import solve_carp
from tests.real import DATA

pytestmark = pytest.mark.nodb

TEXT = """ NOMBRE : square
 COMENTARIO : 30 (cota superior)
 VERTICES : 4
 ARISTAS_REQ : 3
 ARISTAS_NOREQ : 1
 VEHICULOS : 2
 CAPACIDAD : 4
 TIPO_COSTES_ARISTAS : EXPLICITOS
 COSTE_TOTAL_REQ : 9
 LISTA_ARISTAS_REQ :
 ( 1, 2)   coste 2   demanda 2
 ( 2, 3)   coste 3   demanda 2
 ( 3, 4)   coste 4   demanda 3
 LISTA_ARISTAS_NOREQ :
 ( 4, 1)   coste 5
 DEPOSITO :   1
"""


def test_a_file_is_read():
    read = carp.parse(TEXT, "x")
    assert (read.name, read.vehicles, read.problem.tasks, read.problem.capacity) == ("square", 2, 3, 4)
    assert read.service(1, 0) == [2, 3]
    assert read.service(1, 1) == [3, 2]
    assert read.problem.service_cost == 9


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("CAPACIDAD : 4", "CAPACIDAD : many", "line 7, CAPACIDAD: 'many' is not a whole number"),
        ("CAPACIDAD : 4", "CAPACIDAD : 2", r"line 13, demanda: 3 is more than the capacity 2 \(CAPACIDAD\)"),
        ("CAPACIDAD : 4", "CAPACIDAD : 0", "line 7, CAPACIDAD: 0 is not within 1"),
        (" CAPACIDAD : 4\n", "", "CAPACIDAD is missing"),
        ("coste 3   demanda 2", "coste 3", "line 12, LISTA_ARISTAS_REQ: no demanda"),
        ("coste 3   demanda", "coste -3   demanda", "line 12, LISTA_ARISTAS_REQ: .*is not"),
        ("( 3, 4)   coste", "( 3, 9)   coste", r"line 13: the edge \(3, 9\) has a node outside 1 to 4"),
        ("( 3, 4)   coste", "( 3, 3)   coste", r"line 13, LISTA_ARISTAS_REQ: the edge \(3, 3\) begins and ends"),
        (" ( 3, 4)   coste 4   demanda 3\n", "", "line 4, ARISTAS_REQ: 3 edges are announced, 2 are listed"),
        ("DEPOSITO :   1", "DEPOSITO :   7", "line 16, DEPOSITO: 7 is not within 1 and 4"),
        ("VEHICULOS : 2", "VEHICULOS : 2\n VEHICULOS : 3", "line 7: VEHICULOS stands here again, first on line 6"),
        ("NOMBRE : square", "nothing like it", "line 1: 'nothing like it' is neither"),
        ("EXPLICITOS", "MATRIX", "line 8, TIPO_COSTES_ARISTAS"),
    ],
)
def test_what_is_wrong_is_named(old, new, words):
    assert old in TEXT
    with pytest.raises(carp.BadFile, match=words):
        carp.parse(TEXT.replace(old, new), "x")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n\r\n"),
        lambda text: text.lower().replace("nombre : square", "nombre : x"),
        lambda text: text.replace(", ", " ").replace("   demanda", ", demanda"),
        lambda text: text.replace(" ARISTAS_NOREQ : 1\n", "").replace(" VEHICULOS : 2\n", ""),
        lambda text: text.replace("REQ :\n (", "REQ : (") + "EOF\n",
    ],
)
def test_other_hands_are_read(change):
    one, other = carp.parse(TEXT, "x"), carp.parse(change(TEXT), "x")
    assert (one.edges, one.problem.depot, one.problem.capacity) == (
        other.edges,
        other.problem.depot,
        other.problem.capacity,
    )


def test_a_wrong_total_is_said_and_not_used(tmp_path):
    """The whole published set val has one."""
    file = tmp_path / "bom.dat"
    file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("COSTE_TOTAL_REQ : 9", "COSTE_TOTAL_REQ : 8").encode())
    assert carp.read(file).remarks == ["line 9, COSTE_TOTAL_REQ: 8 is said, the required edges cost 9 together"]


@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_damaged_file_is_read_or_refused(at, many, put):
    try:
        read = carp.parse(TEXT[:at] + put + TEXT[at + many :], "x")
    except carp.BadFile as error:
        assert str(error)
    else:
        assert read.problem.tasks


def test_the_command_answers_in_json(tmp_path):
    file = tmp_path / "square.dat"
    file.write_text(TEXT)
    words = [
        str(file),
        "--seconds",
        "0.3",
        "--seed",
        "1",
        "--workers",
        "1",
        "--json",
        "--out",
        str(tmp_path / "routes"),
    ]
    done = CliRunner().invoke(solve_carp, words)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["instance"] == "square"
    assert said["checked"] is True
    assert said["cost"] == 24  # 1-2-3 and home the same way: 10; out to 4, 4-3, and home over 2: 14
    assert sorted(tuple(sorted(s)) for route in said["routes"] for s in route) == [(1, 2), (2, 3), (3, 4)]
    assert (tmp_path / "routes").read_text().startswith("square 24\n(")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"", TEXT.replace("( 4, 1)", "( 2, 1)").replace("( 3, 4)", "( 4, 4)").encode()]
)
def test_the_command_refuses_bad_files(tmp_path, content):
    file = tmp_path / "bad.dat"
    file.write_bytes(content)
    done = CliRunner().invoke(solve_carp, [str(file), "--seconds", "0.1", "--json"])
    assert done.exit_code == 2
    assert "bad.dat: " in done.stderr
    assert "Traceback" not in done.output


def test_an_edge_that_cannot_be_reached_is_named():
    text = TEXT.replace("( 2, 3)   coste 3   demanda 2", "( 2, 1)   coste 3   demanda 2").replace("( 4, 1)", "( 4, 3)")
    with pytest.raises(carp.BadFile, match=r"line 13: the edge \(3, 4\) cannot be reached from the depot 1"):
        carp.parse(text, "x")


@pytest.mark.data
def test_all_published_instances_are_read():
    files = sorted((DATA / "carp").glob("*/*.dat"))
    if not files:
        pytest.skip("no carp in the data folder")
    assert all(carp.read(file).problem.tasks for file in files)


@pytest.mark.data
def test_a_published_instance_is_solved():
    folder = DATA / "carp"
    if not folder.exists():
        pytest.skip("no carp in the data folder")
    with (folder / "best_known.csv").open(newline="") as file:
        best = {row["name"]: int(row["ub"]) for row in csv.DictReader(file)}
    read = carp.read(folder / "gdb" / "gdb19.dat")
    answer, routes, proven = carp.solved(read, 2.0, 0, workers=1, least=best["gdb19"])
    assert (answer["cost"], proven) == (best["gdb19"], True)
    assert check(read.problem, routes, answer["cost"]).good
