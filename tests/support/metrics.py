"""What a reader meets, counted over our own modules: `python -m tests.support.metrics [ROOT]`.

ROOT is another checkout, of an earlier version say; without it, this one. Tokens are those of code:
comments, docstrings and what only lays out lines are left out, and so are lines without code.
"""

import ast
import builtins
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.house import ROOT, WINGS, floors, modules, room_of, rooms, syntax

LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.STRING,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}
"""Kinds of tokens that are not counted; with the strings, docstrings are left out."""

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

MOST_LINES = 350
"""Of a module."""


class Page(NamedTuple):
    """One module in numbers."""

    tokens: int
    code_lines: int
    long_lines: int
    chained_conditionals: int
    comprehensions: int
    function_lengths: list[int]
    shadowed: list[str]
    unformatted: int


def page_of(path: Path) -> Page:
    """The numbers of one module."""
    text = path.read_text(encoding="utf-8")
    tree = syntax(path)
    nodes = list(ast.walk(tree))
    with tokenize.open(path) as file:
        tokens = [t for t in tokenize.generate_tokens(file.readline) if t.type not in LAYOUT]
    return Page(
        tokens=len(tokens),
        code_lines=len({token.start[0] for token in tokens}),
        long_lines=sum(len(line) > 100 for line in text.splitlines()),
        chained_conditionals=len(chained_conditionals(tree)),
        comprehensions=sum(isinstance(node, COMPREHENSIONS) for node in nodes),
        function_lengths=[body_lines(node) for node in nodes if isinstance(node, FUNCTIONS)],
        shadowed=sorted(shadowed(tree)),
        unformatted=text.count("# fmt: " + "skip"),
    )


def chained_conditionals(tree: ast.Module) -> list[int]:
    """The lines of conditional expressions that have another as one of their two values."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.IfExp)
        and (isinstance(node.body, ast.IfExp) or isinstance(node.orelse, ast.IfExp))
    ]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body, its docstring left out."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    if not body or body[-1].end_lineno is None:
        return 0
    return body[-1].end_lineno - body[0].lineno + 1


def shadowed(tree: ast.Module) -> Iterator[str]:
    """`function: name` for each local name that is also a name of the module, or a builtin."""
    taken = set(module_names(tree)) | (set(dir(builtins)) - {"_"})  # which a doctest leaves there
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            shared = global_names(node)
            yield from (f"{node.name}: {name}" for name in (local_names(node) & taken) - shared)


def module_names(tree: ast.Module) -> Iterator[str]:
    """The functions, classes and imports of a module."""
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The arguments of a function, and the names that its body assigns."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    assigned = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return {argument.arg for argument in named} | assigned


def global_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """What a function declares global or nonlocal."""
    declared = [n for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal)]
    return {name for node in declared for name in node.names}


def lines_of(root: Path) -> Iterator[str]:
    """The report, a line each."""
    pages = {path: page_of(path) for path in modules(root)}
    yield f"{'':12}{'modules':>8}{'tokens/line':>12}{'> 100':>7}{'chained':>8}{'comp./k':>8}" + (
        f"{'function lines: median':>23}{'p90':>5}{'max':>5}{'shadowed':>9}{'fmt: skip':>10}"
    )
    for wing in (*WINGS, "all"):
        part = [
            page for path, page in pages.items() if wing in ("all", path.relative_to(root).parts[0])
        ]
        if part:
            yield row(wing, part)
    yield ""
    yield f"{'room':34}{'floor':>6}{'modules':>9}{'longest':>9}"
    floor = floors(rooms(root))
    for room in sorted(floor, key=lambda room: (floor[room], room)):
        inside = [path for path in pages if room_of(path, root) == room]
        longest = max(len(path.read_text(encoding="utf-8").splitlines()) for path in inside)
        count = sum(path.name != "__init__.py" for path in inside)
        yield f"{room:34}{floor[room]:6}{count:9}{longest:9}"


def row(name: str, pages: list[Page]) -> str:
    """One line of the first table."""
    code_lines = sum(page.code_lines for page in pages)
    lengths = sorted(length for page in pages for length in page.function_lengths) or [0]
    return (
        f"{name:12}{len(pages):8}"
        f"{sum(page.tokens for page in pages) / max(1, code_lines):12.1f}"
        f"{sum(page.long_lines for page in pages):7}"
        f"{sum(page.chained_conditionals for page in pages):8}"
        f"{1000 * sum(page.comprehensions for page in pages) / max(1, code_lines):8.1f}"
        f"{statistics.median(lengths):23.0f}"
        f"{lengths[int(0.9 * (len(lengths) - 1))]:5}{lengths[-1]:5}"
        f"{sum(len(page.shadowed) for page in pages):9}"
        f"{sum(page.unformatted for page in pages):10}"
    )


def main(root: str | None = None) -> None:
    """Prints the report of a checkout."""
    print("\n".join(lines_of(Path(root).resolve() if root else ROOT)))


if __name__ == "__main__":
    main(*sys.argv[1:])
