"""``shoal tpcds``: generate the data, run the queries; the commands are those of ``shoal tpch``."""

import click

from shoal.tpcds.tables import TPCDS
from shoal.tpch.cli import generate_command, run_command


@click.group(name="tpcds")
@click.pass_context
def tpcds(context: click.Context) -> None:
    """The TPC-DS benchmark: its data, its 99 queries, checked and compared."""
    context.obj = TPCDS


tpcds.add_command(generate_command)
tpcds.add_command(run_command)
