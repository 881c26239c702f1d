"""Lists and dictionaries that a CSV file contains as text, as written by JSON, Python, pandas or numpy."""

from __future__ import annotations

import ast
import json
import re
import warnings

_BROKEN = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)
# A text or a number, as numpy prints them.
_ITEM = re.compile(
    r"""[bu]?'(?:[^'\\]|\\.)*'|[bu]?"(?:[^"\\]|\\.)*"|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?""", re.DOTALL
)
_NUMPY = re.compile(rf"\[\s*(?:{_ITEM.pattern})(?:\s+(?:{_ITEM.pattern}))*\s*\]", re.DOTALL)


class NotWrittenError(Exception):
    """A text that is neither a list nor a dictionary. The message gives the reason."""


class _WithoutArrays(ast.NodeTransformer):
    """Replaces each `array([...], dtype=...)` by its list."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Return the first argument of a call of `array`. Any other call is kept, and refused later."""
        is_array = isinstance(node.func, ast.Name) and node.func.id == "array" and len(node.args) == 1
        return self.visit(node.args[0]) if is_array else node


def is_bracketed(text: str) -> bool:
    """Return whether a text may be a list or a dictionary, by its first and last character."""
    stripped = text.strip()
    return stripped[:1] + stripped[-1:] in ("[]", "{}")


def written_value(text: str) -> object:
    """Parse the list or dictionary in a text. Nothing in it is executed.

    >>> written_value('["a", 1]'), written_value("{'a': array([1], dtype=int32)}"), written_value("['a' 'b']")
    (['a', 1], {'a': [1]}, ['a', 'b'])
    >>> written_value("[-1  2.]"), written_value("[u'a' u'b']")
    ([-1, 2.0], ['a', 'b'])

    Raises:
        NotWrittenError: If it is neither.
    """
    if not is_bracketed(text):
        raise NotWrittenError("no brackets around it")
    try:
        return json.loads(text)
    except _BROKEN:
        pass
    try:
        items = _by_numpy(text.strip())
        if items is not None:
            return items
        with warnings.catch_warnings(action="ignore"):  # Backslashes in user texts are not programming errors.
            tree = ast.parse(text.strip(), mode="eval")
        return ast.literal_eval(_WithoutArrays().visit(tree))
    except _BROKEN as error:
        raise NotWrittenError(str(error)) from error


def _by_numpy(text: str) -> list[object] | None:
    """Return the items of a list printed by numpy, without commas; None for others. Python would join its strings."""
    return [_item(item) for item in _ITEM.findall(text)] if _NUMPY.fullmatch(text) else None


def _item(text: str) -> object:
    """Return a text between quotes, which Python 2 wrote with a u before them, or a number."""
    if text[-1] in "'\"":
        return ast.literal_eval(text) if "\\" in text or text[0] == "b" else text[text.index(text[-1]) + 1 : -1]
    return int(text) if text.lstrip("+-").isdecimal() else float(text)
