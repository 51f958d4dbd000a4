"""The coordinator: pure machines for queries, stages and tasks, placement, membership, and the loop above them.

Reading order: ``events``, ``instructions``, ``cluster_machine`` (the top of the machines), ``query_table``,
``query_machine``, ``stage_graph``, ``stage_choices``, ``stage_machine``, ``task_machine``; ``loop`` and ``transport``
do the I/O; ``coordinator_runner`` is what sessions see.
"""
