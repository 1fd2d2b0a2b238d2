"""The catalogue of estimators and problems, from their classes alone: `gradest list`, and `docs/catalogue.md`."""

import inspect
import re
from pathlib import Path
from typing import Any

import jax
import numpyro.distributions as dist

from gradest.benchmarks.markdown import markdown_table
from gradest.estimators import ESTIMATORS, Estimator
from gradest.estimators.aliases import ELSEWHERE, Elsewhere
from gradest.problems import PROBLEMS, Problem
from gradest.problems.arguments import arguments, build, defaults
from gradest.problems.distributions.coordinates import base
from gradest.problems.naming import written

PAGE = Path("docs/catalogue.md")

Variants = list[tuple[str, Estimator]]

OTHERWISE: dict[str, dict[str, Any]] = {"gamma_toy": {"learn": "rate"}}
"""Arguments with which a problem is for estimators that do not support it with its defaults."""


def every_problem() -> dict[str, Problem]:
    """Each problem with its defaults, and with those arguments, under its name."""
    problems = {name: cls() for name, cls in PROBLEMS.items()}
    for name, given in OTHERWISE.items():
        argued = ", ".join(f"{key}={value}" for key, value in given.items())
        problems[f"{name}[{argued}]"] = build("problem", PROBLEMS, name, given)
    return problems


def variants(name: str, cls: type[Estimator]) -> Variants:
    """An estimator with its defaults, and with one choice or flag changed at a time."""
    found = [(name, build("estimator", ESTIMATORS, name, {}))]
    for key, argument in arguments(cls).items():
        others = {"choice": argument.choices, "flag": (True, False)}.get(argument.kind, ())
        for value in others:
            if value != defaults(cls)[key]:
                found.append(
                    (f"{name}[{key}={value}]", build("estimator", ESTIMATORS, name, {key: value}))
                )
    return found


PAGE_TEXT = """# Catalogue

Made from the classes by `make catalogue`; `gradest list` prints the same, `gradest describe NAME` the formula and the
arguments of each, `gradest describe NAME --bibtex` its papers.

## Estimators

L is the number of draws of x at which f is evaluated, D the number of x's coordinates. "State" says whether an
estimator learns from one estimate to the next, and with which arguments.

{estimators}

Other names, and estimators that are special cases of these; what is typed stands for the estimator everywhere, in any
spelling (`RLOO`):

{elsewhere}

## Problems

{problems}
"""


def kind_of(problem: Problem) -> str:
    """What x is, by the distribution of its coordinates.

    >>> from problems import problem
    >>> kind_of(problem("vae_bernoulli"))
    'Bernoulli'
    """
    return re.sub(
        r"^OneHot|(Logits|Probs)$", "", type(base(problem.abstract_distribution())).__name__
    )


def is_discrete(problem: Problem) -> bool:
    """Whether x is discrete."""
    q: dist.Distribution = base(problem.abstract_distribution())
    return bool(q.has_enumerate_support or getattr(q.support, "is_discrete", False))


def variables(supported: list[Problem], every: list[Problem]) -> str:
    """What an estimator that supports these of all problems is for, in the fewest words."""
    mine = {kind_of(problem) for problem in supported}
    groups = {
        "any": {kind_of(problem) for problem in every},
        "discrete": {kind_of(problem) for problem in every if is_discrete(problem)},
        "continuous": {kind_of(problem) for problem in every if not is_discrete(problem)},
    }
    said = {
        name: ", ".join(sorted(kinds - mine))
        for name, kinds in groups.items()
        if mine <= kinds and len(kinds - mine) < 2
    }
    named = [name + (f" but {lacking}" if lacking else "") for name, lacking in said.items()]
    return min([*named, ", ".join(sorted(mine))], key=len)


def cost_in_words(cls: type) -> str:
    """The sentence of the docstring that says what an estimate costs."""
    for parent in cls.__mro__:
        if found := re.search(
            r"Cost:\s+(.+?)\.(?:\s|$)", inspect.cleandoc(parent.__doc__ or ""), re.DOTALL
        ):
            return " ".join(found[1].split())
    return ""


def summary(cls: type) -> str:
    """The first sentence of the docstring, formulas included."""
    text = " ".join(inspect.cleandoc(cls.__doc__ or "").split())
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def with_state(name: str, cls: type[Estimator], supported: list[Problem]) -> str:
    """Which of its variants learn from one estimate to the next: "no", "yes", or their arguments."""
    every = variants(name, cls)

    def learns(estimator: Estimator) -> bool:
        problem = next((problem for problem in supported if not estimator.refuses(problem)), None)
        if problem is None:
            return False
        key = jax.random.key(0)
        state = jax.eval_shape(
            lambda key: estimator.init(problem, problem.init_params(key), key), key
        )
        return bool(jax.tree.leaves(state))

    learning = [label for label, estimator in every if learns(estimator)]
    if len(learning) in (0, len(every)):
        return "yes" if learning else "no"
    by_default = name in learning
    chosen: dict[str, list[str]] = {}
    for label in (
        label for label, _ in every if (label in learning) != by_default and label != name
    ):
        argument, _, value = label.partition("[")[2].removesuffix("]").partition("=")
        chosen.setdefault(argument, []).append(value)
    said = "; ".join(f"{argument} = {', '.join(values)}" for argument, values in chosen.items())
    return f"yes, but for {said}" if by_default else said


def estimator_row(name: str, cls: type[Estimator], problems: dict[str, Problem]) -> dict[str, Any]:
    """What there is to know of an estimator at its defaults."""
    estimator = cls()
    supported = [problem for problem in problems.values() if not estimator.refuses(problem)]
    plain = sorted(
        supported, key=lambda problem: problem.objective_uses_params
    )  # whose f does not depend on θ, if any
    needs = (
        bool(plain)
        and estimator.evaluations(plain[0], 64).grad > 0
        and not plain[0].objective_uses_params
    )
    return {
        "estimator": name,
        "variables": variables(supported, list(problems.values())),
        "gradient_of_f": needs or cls.differentiates_f,
        "unbiased": "no"
        if not cls.unbiased
        else "where f is smooth"
        if cls.differentiates_f
        else "yes",
        "evaluations": cost_in_words(cls),
        "state": with_state(name, cls, supported),
        "paper": cls.source,
        "file": file_of(cls),
    }


def file_of(cls: type) -> str:
    """The file of a class of ours, from the top of the repository."""
    return cls.__module__.removeprefix("gradest.").replace(".", "/") + ".py"


def problem_row(name: str, problem: Problem) -> dict[str, Any]:
    """What there is to know of a problem at its defaults."""
    cls = type(problem)
    return {
        "problem": name,
        "variable": kind_of(problem),
        "groups": list(jax.eval_shape(problem.init_params, jax.random.key(0))),
        "exact_gradient": cls.truth or "none",
        "about": summary(cls),
        "paper": cls.source,
        "file": file_of(cls),
    }


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Every registered estimator and problem."""
    problems = every_problem()
    return {
        "estimators": [estimator_row(name, cls, problems) for name, cls in ESTIMATORS.items()],
        "problems": [problem_row(name, problems[name]) for name in PROBLEMS],
    }


def columns(found: dict[str, list[dict[str, Any]]]) -> str:
    """The catalogue for a terminal: a line for each estimator and each problem."""
    estimators = [
        [
            row["estimator"],
            row["variables"],
            yes(row["gradient_of_f"]),
            row["unbiased"],
            row["state"].replace("_", " "),
            row["evaluations"],
            row["paper"],
        ]
        for row in found["estimators"]
    ]
    problems = [
        [
            row["problem"],
            row["variable"],
            ", ".join(row["groups"]),
            row["exact_gradient"],
            row["paper"],
        ]
        for row in found["problems"]
    ]
    return "\n".join(
        [
            *aligned(
                ["estimator", "variables", "∇f", "unbiased", "state", "evaluations", "paper"],
                estimators,
            ),
            "",
            *aligned(["problem", "variable", "θ", "exact gradient", "paper"], problems),
        ]
    )


def aligned(headings: list[str], rows: list[list[str]]) -> list[str]:
    """Lines in which each column begins at the same place.

    >>> aligned(["a", "b"], [["long", "x"]])
    ['a     b', 'long  x']
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in (headings, *rows)]


def yes(value: bool) -> str:
    """In words."""
    return "yes" if value else "no"


def table(headings: list[str], rows: list[list[str]]) -> str:
    """The rows in Markdown; a bar within a formula is written so that it ends no cell."""
    return markdown_table(
        headings, [[cell.replace("|", r"\vert ") for cell in row] for row in rows]
    )


def page() -> str:
    """docs/catalogue.md."""
    found = catalogue()
    estimators = [
        [
            f"[`{row['estimator']}`](../{row['file']})",
            row["variables"],
            yes(row["gradient_of_f"]),
            row["unbiased"],
            row["evaluations"],
            row["state"].replace("_", " "),
            row["paper"],
        ]
        for row in found["estimators"]
    ]
    problems = [
        [
            f"[`{row['problem']}`](../{row['file']})",
            row["variable"],
            ", ".join(row["groups"]),
            row["exact_gradient"],
            row["about"],
            row["paper"],
        ]
        for row in found["problems"]
    ]
    return PAGE_TEXT.format(
        estimators=table(
            ["name", "variables", "needs ∇f", "unbiased", "evaluations", "state", "paper"],
            estimators,
        ),
        elsewhere=table(["elsewhere", "here", "typed as"], list(map(elsewhere_row, ELSEWHERE))),
        problems=table(
            ["name", "variable", "θ", "exact gradient", "what it is", "paper"], problems
        ),
    )


def elsewhere_row(entry: Elsewhere) -> list[str]:
    """What an estimator is called elsewhere, what that is here, and what may be typed for it."""
    here = f"`{written(entry.estimator, entry.arguments)}`"
    where = f"{here}, {entry.where}" if entry.where else here
    return [entry.title, where, ", ".join(f"`{name}`" for name in entry.names)]


def main() -> None:
    """Writes the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
