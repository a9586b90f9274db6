"""TypeScript and JavaScript sources, by tree-sitter (the extra ``audit``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from operations.code_audit.names import IMAGE_MODEL, Names, ends_with, judged

CALLS = frozenset({"call_expression", "new_expression"})
FUNCTIONS = frozenset(
    {
        "function_declaration",
        "function_expression",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
    }
)


class NotParsed(ValueError):
    """The source cannot be parsed; ``line`` is where."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}: cannot be parsed")
        self.line = line


@lru_cache(maxsize=2)
def _parser(*, jsx: bool) -> Parser:
    grammar = (
        tree_sitter_typescript.language_tsx()
        if jsx
        else tree_sitter_typescript.language_typescript()
    )
    return Parser(Language(grammar))


def untold(source: bytes, names: Names, *, jsx: bool = False) -> Iterator[tuple[int, str]]:
    """As for Python. A function that tells has told of all that stands in it, and in its callers'
    callbacks. Raises NotParsed.
    """
    root = _parser(jsx=jsx).parse(source).root_node
    if root.has_error:
        raise NotParsed(_first_error(root))
    draws = IMAGE_MODEL.search(source.decode("utf-8", "replace")) is not None
    yield from _untold(root, names, told=False, draws=draws)


def _untold(node: Node, names: Names, *, told: bool, draws: bool) -> Iterator[tuple[int, str]]:
    for child in node.children:
        inner = told or (child.type in FUNCTIONS and _tells(child, names))
        if child.type in CALLS and not inner:
            dotted, arguments = _call(child)
            if dotted and (reason := judged(dotted, arguments, names, draws=draws)):
                yield child.start_point[0] + 1, reason
        yield from _untold(child, names, told=inner, draws=draws)


def _tells(function: Node, names: Names) -> bool:
    todo = list(function.children)
    while todo:
        node = todo.pop()
        if node.type == "call_expression" and ends_with(_call(node)[0], names.tells):
            return True
        todo += node.children
    return False


def _call(node: Node) -> tuple[str, str]:
    """The dotted name that is called, and the arguments as they are written."""
    called = node.child_by_field_name("function") or node.child_by_field_name("constructor")
    arguments = node.child_by_field_name("arguments")
    return _text(called).replace("?.", ".").replace("await ", ""), _text(arguments)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _first_error(root: Node) -> int:
    todo = [root]
    while todo:
        node = todo.pop(0)
        if node.type == "ERROR" or node.is_missing:
            return node.start_point[0] + 1
        todo += [child for child in node.children if child.has_error or child.is_missing]
    return 1
