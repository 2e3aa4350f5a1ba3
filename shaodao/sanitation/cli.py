"""`shaodao sanitation …`: plans, proofs and the arc routing behind them. Exit codes and `--json` as in `shaodao/cli.py`."""

import os

import click

from shaodao.sanitation.bins.cli import bin_tours, bins
from shaodao.sanitation.coverage.cli import coverage, recompute
from shaodao.sanitation.feasibility.cli import feasibility
from shaodao.sanitation.inspections.cli import redraw
from shaodao.sanitation.plan.cli import solve_carp
from shaodao.sanitation.plan.daycli import plan, replan
from shaodao.sanitation.proof.cli import prove
from shaodao.sanitation.roads.cli import export_roads, import_roads
from shaodao.sanitation.tracks.cli import box_token, ingest, mqtt, tracks
from shaodao.sanitation.weather.cli import weather


@click.group()
def sanitation() -> None:
    """Sanitation: keep the book, see what a day can hold, plan it, prove it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()


sanitation.add_command(bins)
sanitation.add_command(feasibility)
sanitation.add_command(import_roads)
sanitation.add_command(export_roads)
sanitation.add_command(bin_tours)
sanitation.add_command(redraw)
sanitation.add_command(plan)
sanitation.add_command(replan)
sanitation.add_command(solve_carp)
sanitation.add_command(prove)
for command in (ingest, tracks, box_token, mqtt):
    sanitation.add_command(command)
sanitation.add_command(weather)
sanitation.add_command(coverage)
sanitation.add_command(recompute)
