"""`shaodao sanitation …`: plans, proofs and the arc routing behind them. Exit codes and `--json` as in `shaodao/cli.py`."""

import os

import click

from shaodao.sanitation.feasibility.cli import feasibility
from shaodao.sanitation.plan.cli import solve_carp
from shaodao.sanitation.plan.daycli import bin_tours, plan, replan
from shaodao.sanitation.roads.cli import export_roads, import_roads


@click.group()
def sanitation() -> None:
    """Sanitation: keep the book, see what a day can hold, plan it, prove it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()


sanitation.add_command(feasibility)
sanitation.add_command(import_roads)
sanitation.add_command(export_roads)
sanitation.add_command(bin_tours)
sanitation.add_command(plan)
sanitation.add_command(replan)
sanitation.add_command(solve_carp)
