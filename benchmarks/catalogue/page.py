"""docs/catalogue.md, made from the classes: `make catalogue` writes it."""

import inspect
import os
from collections.abc import Iterable
from pathlib import Path

from gradest.benchmarks.catalogue.facts import catalogue, texts_of
from gradest.benchmarks.markdown import markdown_table
from gradest.estimators import ESTIMATORS
from gradest.estimators.aliases import ELSEWHERE, Elsewhere
from gradest.problems import PROBLEMS
from gradest.problems.registry.naming import written

TOP = Path(__file__).resolve().parents[2]
"""The repository."""

PAGE = Path("docs/catalogue.md")

PAGE_TEXT = """# Catalogue

Made from the classes by `make catalogue`; `gradest list --long` prints the same, `gradest describe
NAME` the formula and the arguments of each, `gradest describe NAME --bibtex` its papers.

## Estimators

L is the number of draws of x at which f is evaluated, D the number of x's coordinates. "State" says
whether an estimator learns from one estimate to the next, and with which arguments.

{estimators}

Other names, and estimators that are special cases of these; what is typed stands for the estimator
everywhere, in any spelling (`RLOO`):

{elsewhere}

## Problems

{problems}
"""

ESTIMATOR_COLUMNS = {
    "variables": "variables",
    "gradient_of_f": "needs ∇f",
    "unbiased": "unbiased",
    "evaluations": "evaluations",
    "state": "state",
    "paper": "paper",
}
PROBLEM_COLUMNS = {
    "variable": "variable",
    "groups": "θ",
    "exact_gradient": "exact gradient",
    "about": "what it is",
    "paper": "paper",
}
"""What the page has of a row besides its name, and under which heading."""


def page() -> str:
    """The text of the page."""
    rows = catalogue()
    estimators = [
        [link_to(ESTIMATORS[row["estimator"]], row["estimator"]), *texts_of(row, ESTIMATOR_COLUMNS)]
        for row in rows["estimators"]
    ]
    problems = [
        [link_to(PROBLEMS[row["problem"]], row["problem"]), *texts_of(row, PROBLEM_COLUMNS)]
        for row in rows["problems"]
    ]
    return PAGE_TEXT.format(
        estimators=table(["name", *ESTIMATOR_COLUMNS.values()], estimators),
        elsewhere=table(["elsewhere", "here", "typed as"], map(elsewhere_row, ELSEWHERE)),
        problems=table(["name", *PROBLEM_COLUMNS.values()], problems),
    )


def link_to(cls: type, name: str) -> str:
    """A name as a link from the page to the file in which the class is written."""
    file = Path(inspect.getfile(cls)).resolve()  # gradest/ only links to it
    return f"[`{name}`]({os.path.relpath(file, TOP / PAGE.parent)})"


def elsewhere_row(entry: Elsewhere) -> list[str]:
    """What an estimator is called elsewhere, what that is here, and what may be typed for it."""
    here = f"`{written(entry.estimator, entry.arguments)}`"
    where = f"{here}, {entry.where}" if entry.where else here
    return [entry.title, where, ", ".join(f"`{name}`" for name in entry.names)]


def table(headings: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown; a bar within a formula is written so that it ends no cell."""
    cell_texts = [[without_bars(text) for text in row] for row in rows]
    return markdown_table(headings, cell_texts)


def without_bars(text: str) -> str:
    r"""A text with the bars of its formulas written as commands.

    >>> print(without_bars(r"$\|x\|$, $q(z|x)$"))
    $\Vert x\Vert $, $q(z\vert x)$
    """
    return text.replace(r"\|", r"\Vert ").replace("|", r"\vert ")


def main() -> None:
    """Writes the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
