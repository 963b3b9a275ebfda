"""What the author of a class says of each field: the remark behind it, or the comment lines above it.

Parameters of strategies are documented where they are written, in the words that a reader of the file sees anyway.
"""

import ast
import io
import tokenize
from collections.abc import Mapping


def field_remarks(source: bytes, class_name: str) -> Mapping[str, str]:
    """Return field -> remark of a class in a source file; a field without one has an empty text. The source is valid Python."""
    comments = _comments(source)
    whole_lines = {line for line, (_, alone) in comments.items() if alone}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            return {
                part.target.id: _remark(part, comments, whole_lines)
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            }
    return {}


def _remark(field: ast.AnnAssign, comments: Mapping[int, tuple[str, bool]], whole_lines: set[int]) -> str:
    assert field.end_lineno is not None
    first = field.lineno
    while first - 1 in whole_lines:
        first -= 1
    lines = [comments[line][0] for line in range(first, field.lineno)]
    if field.end_lineno in comments:
        lines.append(comments[field.end_lineno][0])
    return " ".join(lines)


def _comments(source: bytes) -> dict[int, tuple[str, bool]]:
    """Return line -> (text, alone on its line)."""
    return {
        token.start[0]: (token.string.lstrip("#: "), token.line.lstrip().startswith("#"))
        for token in tokenize.tokenize(io.BytesIO(source).readline)
        if token.type == tokenize.COMMENT
    }
