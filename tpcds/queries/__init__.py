"""The 99 queries of the TPC-DS specification, one file each, in DuckDB's dialect and with the substitution parameters
of its query validation; of queries in two variants one is here."""
