"""Plans the TPC-DS queries without data: injected statistics of scale 100."""

from shoal.tpcds.tables import TPCDS
from tests.planner.tpch_planning import InjectedTables

CLUSTERED = frozenset(
    {
        ("store_sales", "ss_ticket_number"),
        ("store_returns", "sr_ticket_number"),
        ("catalog_sales", "cs_order_number"),
        ("catalog_returns", "cr_order_number"),
        ("web_sales", "ws_order_number"),
        ("web_returns", "wr_order_number"),
        ("inventory", "inv_date_sk"),
        ("customer", "c_customer_sk"),
        ("customer_address", "ca_address_sk"),
        ("customer_demographics", "cd_demo_sk"),
        ("item", "i_item_sk"),
    }
)
"""The keys on which the generator's files are sorted, of the tables that are large."""


def tpcds_tables() -> InjectedTables:
    """A catalog and statistics of the 24 tables at scale 100."""
    return InjectedTables("tpcds_sf100.json", CLUSTERED)


def tpcds_query(number: int) -> str:
    """The text of a TPC-DS query."""
    return TPCDS.query_text(number).strip()
