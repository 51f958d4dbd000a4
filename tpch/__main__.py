"""``python -m shoal.tpch``: the same as ``shoal tpch``."""

from shoal.tpch.cli import tpch

if __name__ == "__main__":
    tpch(prog_name="python -m shoal.tpch")
