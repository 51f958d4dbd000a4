"""Walking the logical tree, written once: rules call these and never recurse by hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar, assert_never

from shoal.planner import logical
from shoal.planner.logical import Node

N = TypeVar("N")


def with_children(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The node over other inputs; the same object when they are the same objects."""
    if all(new is old for new, old in zip(inputs, logical.children(node), strict=True)):
        return node
    match node:
        case logical.Scan() | logical.KernelBlock() | logical.Values():
            return node
        case (
            logical.Filter()
            | logical.Project()
            | logical.Aggregate()
            | logical.Window()
            | logical.Sort()
            | logical.Limit()
        ):
            return replace(node, input=inputs[0])
        case logical.Join() | logical.Apply() | logical.SetOperation():
            return replace(node, left=inputs[0], right=inputs[1])
        case _:
            assert_never(node)


def transform_up(node: Node, change: Callable[[Node], Node]) -> Node:
    """Change the inputs first, then the node; unchanged parts stay the same objects."""
    inputs = tuple(transform_up(child, change) for child in logical.children(node))
    return change(with_children(node, inputs))


def transform_down(node: Node, change: Callable[[Node], Node]) -> Node:
    """Change the node first, then the inputs of what came out."""
    changed = change(node)
    inputs = tuple(transform_down(child, change) for child in logical.children(changed))
    return with_children(changed, inputs)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    yield node
    for child in logical.children(node):
        yield from walk(child)


def find(node: Node, wanted: type[N]) -> Iterator[N]:
    """Every node of one type, parents first."""
    return (item for item in walk(node) if isinstance(item, wanted))
