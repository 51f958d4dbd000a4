"""Walking the logical tree, written once: rules call these and never recurse by hand."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar, assert_never

from shoal.planner import logical
from shoal.planner.errors import InvariantViolated
from shoal.planner.logical import Node

N = TypeVar("N")


def with_children(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The node over other inputs; the same object when they are the same objects."""
    before = logical.children(node)
    if len(inputs) != len(before):
        raise InvariantViolated(f"{type(node).__name__}: {len(inputs)} inputs for {len(before)}")
    if not inputs or (inputs[0] is before[0] and inputs[-1] is before[-1]):
        return node
    match node:
        case logical.Scan() | logical.SharedScan() | logical.Values():
            return node
        case logical.KernelBlock():
            pairs = zip(node.inputs, inputs, strict=True)
            return replace(node, inputs=tuple(replace(item, node=child) for item, child in pairs))
        case (
            logical.Filter()
            | logical.Project()
            | logical.Aggregate()
            | logical.Window()
            | logical.Unnest()
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
    before = logical.children(node)
    if not before:
        return change(node)
    return change(with_children(node, tuple([transform_up(child, change) for child in before])))


def transform_down(node: Node, change: Callable[[Node], Node]) -> Node:
    """Change the node first, then the inputs of what came out."""
    changed = change(node)
    below = logical.children(changed)
    return with_children(changed, tuple([transform_down(child, change) for child in below])) if below else changed


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first."""
    ahead = [node]
    while ahead:
        item = ahead.pop()
        yield item
        ahead += reversed(logical.children(item))


def find(node: Node, wanted: type[N]) -> Iterator[N]:
    """Every node of one type, parents first."""
    return (item for item in walk(node) if isinstance(item, wanted))
