"""Reads of the environment through the accessor: a Bowler query. Prints places on stderr, diffs on stdout."""

from __future__ import annotations

import sys

from bowler import Query  # type: ignore[import-not-found]
from fissix.fixer_util import Name  # type: ignore[import-not-found]
from fissix.pygram import python_symbols  # type: ignore[import-not-found]
from fissix.pytree import Node  # type: ignore[import-not-found]

CALLS = """
power< 'os' trailer< '.' 'getenv' > called=trailer< '(' any* ')' > any* >
| power< 'os' trailer< '.' 'environ' > trailer< '.' 'get' > called=trailer< '(' any* ')' > any* >
"""
LOOKUPS = "power< 'os' trailer< '.' 'environ' > called=trailer< '[' any ']' > any* >"


def rewrite(node: Node, capture: dict[str, Node], filename: str) -> None:
    """Replace what stands before the brackets, but not where something is stored or deleted."""
    called = capture["called"]
    if is_target(node, called):
        return
    print(f"{filename}:{node.get_lineno()}:", file=sys.stderr)
    prefix = node.prefix
    while node.children[0] is not called:
        node.children[0].remove()
    node.insert_child(0, Name("get_env().get" if called.children[0].value == "(" else "get_env()", prefix=prefix))


def is_target(node: Node, called: Node) -> bool:
    """Is it assigned to, or deleted?"""
    if node.children[-1] is not called or node.parent is None:
        return False
    if node.parent.type == python_symbols.expr_stmt:
        return node.parent.children[0] is node
    return bool(node.parent.type == python_symbols.del_stmt)


if __name__ == "__main__":
    found = Query(["."]).select(CALLS).modify(rewrite).select(LOOKUPS).modify(rewrite)
    found.execute(interactive=False, write=False, silent=False)
