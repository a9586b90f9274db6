"""Python sources, by ast."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from operations.code_audit.names import IMAGE_MODEL, Names, ends_with, judged

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.With | ast.AsyncWith


def untold(source: str, names: Names) -> Iterator[tuple[int, str]]:
    """Line and reason of each call that makes or saves an image outside of any tracking.

    A function that tells (``with track``, ``@track``, a call of ``publish``) has told of all that
    stands in it. Raises SyntaxError.
    """
    draws = IMAGE_MODEL.search(source) is not None
    yield from _untold(ast.parse(source), names, told=False, draws=draws)


def _untold(node: ast.AST, names: Names, *, told: bool, draws: bool) -> Iterator[tuple[int, str]]:
    for child in ast.iter_child_nodes(node):
        inner = told or (isinstance(child, Scope) and _tells(child, names))
        if isinstance(child, ast.Call) and not inner:
            dotted = _dotted(child.func)
            arguments = " ".join(ast.unparse(one) for one in (*child.args, *child.keywords))
            if isinstance(child.func, ast.Attribute):
                # Path("x.png").write_bytes(data) names the file in front.
                arguments += " " + ast.unparse(child.func.value)
            if dotted and (reason := judged(dotted, arguments, names, draws=draws)):
                yield child.lineno, reason
        yield from _untold(child, names, told=inner, draws=draws)


def _tells(node: Scope, names: Names) -> bool:
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(_is_telling(item.context_expr, names) for item in node.items)
    if any(_is_telling(one, names) for one in node.decorator_list):
        return True
    calls = (one for one in ast.walk(node) if isinstance(one, ast.Call))
    others = tuple(name for name in names.tells if name != "track")
    return any(ends_with(_dotted(call.func), others) for call in calls)


def _is_telling(expression: ast.expr, names: Names) -> bool:
    called = expression.func if isinstance(expression, ast.Call) else expression
    return ends_with(_dotted(called), names.tells)


def _dotted(expression: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(expression, ast.Attribute):
        parts.append(expression.attr)
        expression = expression.value
    if isinstance(expression, ast.Name):
        parts.append(expression.id)
    return ".".join(reversed(parts))
