"""Executors: processes that run tasks in the kernel and keep and serve their shuffle outputs."""
