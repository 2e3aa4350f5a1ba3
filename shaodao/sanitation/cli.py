"""`shaodao sanitation …`: plans, proofs and the arc routing behind them. Exit codes and `--json` as in `shaodao/cli.py`."""

import os

import click

from shaodao.sanitation.plan.cli import solve_carp


@click.group()
def sanitation() -> None:
    """Sanitation: plan the day, prove the day."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()


sanitation.add_command(solve_carp)
