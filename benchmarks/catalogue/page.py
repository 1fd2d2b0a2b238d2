"""docs/catalogue.md, made from the classes: `make catalogue` writes it."""

import inspect
import os
from pathlib import Path

from gradest.benchmarks.catalogue.facts import catalogue, cells
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS

TOP = Path(__file__).resolve().parents[2]
"""The repository."""

PAGE = Path("docs/catalogue.md")

PAGE_TEXT = """# Catalogue

Made from the classes by `make catalogue`; `gradest list` prints the same, `gradest describe NAME`
the formula and the arguments of each, `gradest describe NAME --bibtex` its papers.

## Estimators

L is the number of draws of x at which f is evaluated, D the number of x's coordinates. "State" says
whether an estimator learns from one estimate to the next, and with which arguments.

{estimators}

Other names, and estimators that are special cases of these:

{elsewhere}

## Problems

{problems}
"""

ELSEWHERE = {
    "REINFORCE, likelihood ratio, log-derivative trick": "score_function",
    "RLOO": "score_function[baseline=leave_one_out]",
    "NVIL (Mnih and Gregor, 2014)": "score_function[baseline=input_dependent]",
    "MuProp (Gu et al., 2016)": "score_function[control_variate=first_order]",
    "evolution strategies with antithetic pairs (Salimans et al., 2017)": (
        "score_function[coupling=antithetic], where q is a Gaussian about θ"
    ),
    "VarGrad (Richter et al., 2020)": (
        "score_function[baseline=leave_one_out], where f is log q − log p"
    ),
    "DiCE (Foerster et al., 2018)": "score_function: their first derivatives are equal",
    "reparameterization trick, infinitesimal perturbation analysis": "pathwise",
    "implicit reparameterization (Figurnov et al., 2018)": (
        "pathwise, on gamma, beta, Dirichlet, Student t, von Mises"
    ),
    "randomised quasi-Monte Carlo, antithetic variates": (
        "pathwise[coupling=sobol], pathwise[coupling=antithetic]"
    ),
    "IWAE (Burda et al., 2016)": "pathwise, where x are the K particles of a bound",
    "weak derivative": "measure_valued",
    "local expectation gradient, BitFlip (Titsias and Lázaro-Gredilla, 2015)": (
        "measure_valued, on bits"
    ),
    "U2G (Yin et al., 2020)": "disarm",
    "ARS (Yin et al., 2019)": "arsm[merge=False]",
    "smoothed stochastic triple (Arya et al., 2022)": (
        "straight_through[smoothed=both]; on bits, reinmax at τ = 1 too"
    ),
    "delta method": "score_function[control_variate=delta]",
    "concrete relaxation": "gumbel_softmax",
    "ADEV's reparam, reinforce, mvd, enum (Lew et al., 2023)": (
        "pathwise, score_function, measure_valued, enumeration"
    ),
}
"""What other libraries and papers call what is here, and its name here.

A special case of an estimator is an argument of it.
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
        [link_to(ESTIMATORS[row["estimator"]], row["estimator"]), *cells(row, ESTIMATOR_COLUMNS)]
        for row in rows["estimators"]
    ]
    problems = [
        [link_to(PROBLEMS[row["problem"]], row["problem"]), *cells(row, PROBLEM_COLUMNS)]
        for row in rows["problems"]
    ]
    elsewhere = [[name, here if " " in here else f"`{here}`"] for name, here in ELSEWHERE.items()]
    return PAGE_TEXT.format(
        estimators=table(["name", *ESTIMATOR_COLUMNS.values()], estimators),
        elsewhere=table(["elsewhere", "here"], elsewhere),
        problems=table(["name", *PROBLEM_COLUMNS.values()], problems),
    )


def link_to(cls: type, name: str) -> str:
    """A name as a link from the page to the file in which the class is written."""
    file = Path(inspect.getfile(cls)).resolve()  # gradest/ only links to it
    return f"[`{name}`]({os.path.relpath(file, TOP / PAGE.parent)})"


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; a bar within a formula is written so that it ends no cell."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\vert ") for cell in line) + " |" for line in lines
    )


def main() -> None:
    """Writes the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
