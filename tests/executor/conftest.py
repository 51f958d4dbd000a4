"""Nodes to run tasks on; what they leave on the disk fails the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.executor.node import Node, open_node


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Makes nodes that share a folder; the arguments are those of ``open_node``."""
    with ExitStack() as stack:
        yield lambda *names, **options: stack.enter_context(open_node(tmp_path / "nodes", *names, **options))
    left = [path for base in ("spill", "shuffle", "memory") for path in (tmp_path / "nodes" / base).glob("*")]
    assert not left


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    """One node."""
    return make_node()
