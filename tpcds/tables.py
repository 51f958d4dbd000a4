"""TPC-DS as the runner sees it: 24 tables, 7 of them of facts, and 99 queries."""

from shoal.tpch.suite import Suite

FACTS = (
    "catalog_returns",
    "catalog_sales",
    "inventory",
    "store_returns",
    "store_sales",
    "web_returns",
    "web_sales",
)

DIMENSIONS = (
    "call_center",
    "catalog_page",
    "customer",
    "customer_address",
    "customer_demographics",
    "date_dim",
    "household_demographics",
    "income_band",
    "item",
    "promotion",
    "reason",
    "ship_mode",
    "store",
    "time_dim",
    "warehouse",
    "web_page",
    "web_site",
)

TPCDS = Suite(
    key="tpcds",
    title="TPC-DS",
    tables=(*DIMENSIONS, *FACTS),
    queries=99,
    texts="shoal.tpcds.queries",
    # The generator would else add a table that tells of itself.
    generator=("tpcgen-cli", "tpcds", "parquet", f"--tables={','.join((*DIMENSIONS, *FACTS))}"),
    # Sales grow with the scale from 1 on; below it there are more of them, to have some of each kind.
    sizes=(("customer", 100_000), ("store_sales", 2_880_404)),
)
"""TPC-DS, revision 4."""
