"""The TPC-H benchmark: its data, its 22 queries, a runner that checks and compares, and a report.

It uses Shoal as any other program would, through the public API alone. ``shoal tpch`` and ``python -m shoal.tpch`` are
its faces.
"""
