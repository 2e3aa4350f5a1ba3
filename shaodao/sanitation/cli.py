"""`shaodao sanitation …`: plans, proofs and the arc routing behind them. Exit codes and `--json` as in `shaodao/cli.py`."""

import os

import click


@click.group()
def sanitation() -> None:
    """Sanitation: plan the day, prove the day."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()
