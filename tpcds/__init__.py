"""The TPC-DS benchmark: its data and its 99 queries, for the runner that ``shoal.tpch`` has.

It uses Shoal as any other program would, through the public API alone. ``shoal tpcds`` and ``python -m shoal.tpcds``
are its faces.
"""
