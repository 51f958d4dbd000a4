"""The planner: SQL text and a catalog snapshot in, fragments out.

Pure: nothing in this package opens a socket, a file or a thread, or reads a clock. What it needs from outside comes
through the protocols in ``shoal.planner.protocols``. It imports nothing else of Shoal.
"""
