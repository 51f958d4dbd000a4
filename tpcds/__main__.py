"""``python -m shoal.tpcds``: the same as ``shoal tpcds``."""

from shoal.tpcds.cli import tpcds

if __name__ == "__main__":
    tpcds(prog_name="python -m shoal.tpcds")
