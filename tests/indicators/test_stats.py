"""`shaodao stats`: the contract, and input that cannot be."""

import json

import pytest
from click.testing import CliRunner

from shaodao.cli import main

pytestmark = pytest.mark.nodb


def test_rank():
    words = ["stats", "rank", "--n", "400", "--units", "117", "--sd", "3", "--rank", "6", "--seed", "1", "--json"]
    answer = json.loads(CliRunner().invoke(main, words).output)
    assert (answer["rank_low"], answer["rank_high"]) == (1, 12)
    bad = CliRunner().invoke(main, ["stats", "rank", "--n", "400", "--units", "5", "--sd", "3", "--rank", "6"])
    assert bad.exit_code == 2 and "rank must be at most units" in bad.output


def test_rate():
    answer = json.loads(CliRunner().invoke(main, ["stats", "rate", "376", "400", "--json"]).output)
    assert answer["rate"] == 0.94 and answer["low"] == pytest.approx(0.9123, abs=1e-4)
    assert CliRunner().invoke(main, ["stats", "rate", "5", "4"]).exit_code == 2
