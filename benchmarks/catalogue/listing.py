"""`gradest list` in 80 columns: a name, what is drawn, and what it is for."""

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gradest.benchmarks.catalogue.facts import (
    caveat_in_words,
    every_problem,
    kind_of,
    refusals,
    variables,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.presets import preset_names, purpose_of
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS, Problem
from gradest.problems.arguments import nearest, shown
from gradest.problems.registry.lookup import spelled

WIDTH = 80
NAMES, DRAWN = 24, 11
"""Characters of the first two columns; the third has the rest, less two spaces after each."""

PURPOSES = WIDTH - NAMES - DRAWN - 4
"""Characters of what something is for, at most."""

SHORT = {
    "Bernoulli": "bits",
    "BernoulliChain": "bit chains",
    "MarkovBits": "bit walks",
    "Categorical": "categories",
    "PlackettLuce": "orders",
    "TokenSequence": "tokens",
    "Normal": "Gaussian",
    "MultivariateNormal": "Gaussian",
    "Poisson": "counts",
    "StudentT": "Student t",
    "VonMises": "von Mises",
    "Exponential": "exponential",
}
"""What is drawn in short, where that is not simply the distribution's name."""


class Listed(NamedTuple):
    """A problem or an estimator, as a line of the list."""

    name: str
    kinds: frozenset[str]
    """The distributions that it draws, or that it can estimate for."""
    drawn: str
    """The same in few characters."""


class Wanted(NamedTuple):
    """What of the catalogue is shown."""

    problems: list[Listed]
    estimators: list[Listed]
    presets: dict[str, str]
    """What each is for, by name."""
    caveats: dict[str, str] = {}  # noqa: RUF012  (nobody changes it)
    """Where an estimator's claim does not hold, by name, where that is to be said."""


def purposes() -> dict[str, str]:
    """What each estimator and problem is for, by its name."""
    estimators = {name: cls.purpose for name, cls in ESTIMATORS.items()}
    problems = {name: cls.purpose for name, cls in PROBLEMS.items()}
    return estimators | problems


def wanted(variable: str | None = None, *, only_unbiased: bool = False) -> Wanted:
    """The problems, estimators and presets to list: those that are asked for alone.

    A variable is drawn by problems and estimators, and unbiased are estimators; a preset is asked
    for by neither.

    Args:
        variable: what is drawn: a distribution's name, or what the list calls it; None for all.
        only_unbiased: estimators that claim to be unbiased, with where they are not.

    Raises:
        BadInput: nothing here draws such a variable.
    """
    problems = every_problem()
    kinds = {name: kind_of(problem) for name, problem in problems.items()}
    kind = None if variable is None else kind_called(variable, sorted(set(kinds.values())))
    listed = [Listed(n, frozenset({kinds[n]}), short(kinds[n])) for n in PROBLEMS]
    chosen = [name for name in ESTIMATORS if ESTIMATORS[name].unbiased or not only_unbiased]
    estimators = of_kind([listed_estimator(name, problems, kinds) for name in chosen], kind)
    if only_unbiased:
        asked = of_kind(listed, kind) if variable else []
        caveats = {each.name: caveat_in_words(each.name) for each in estimators}
        return Wanted(asked, estimators, {}, {n: text for n, text in caveats.items() if text})
    return Wanted(of_kind(listed, kind), estimators, {} if variable else presets())


def of_kind(listed: Iterable[Listed], kind: str | None) -> list[Listed]:
    """Those that draw a kind of variable; all of them for None."""
    return [each for each in listed if kind is None or kind in each.kinds]


def listed_estimator(name: str, problems: dict[str, Problem], kinds: dict[str, str]) -> Listed:
    """An estimator with what it can estimate for, at its defaults."""
    estimator = ESTIMATORS[name]()
    fitting = [label for label, problem in problems.items() if not estimator.refuses(problem)]
    words = variables([problems[label] for label in fitting], problems.values())
    return Listed(name, frozenset(kinds[label] for label in fitting), short(words))


def short(words: str) -> str:
    """What is drawn in few characters: the first kind, and how many more there are.

    >>> short("Bernoulli, Categorical, PlackettLuce"), short("any"), short("Normal")
    ('bits +2', 'any', 'Gaussian')
    """
    first, *more = words.partition(" but ")[0].split(", ")
    text = SHORT.get(first, first)
    return f"{text} +{len(more)}" if more else text


def kind_called(text: str, known: Sequence[str]) -> str:
    """The distribution that a user means: its name, or what the list calls it.

    Raises:
        BadInput: it is none of them; the nearest is named.
    """
    names = {spelled(name): name for name in known}
    names |= {spelled(word): name for name, word in SHORT.items() if name in known}
    if spelled(text) not in names:
        raise BadInput(
            f"--variable {shown(text)}: expected one of {', '.join(known)}{nearest(text, known)}"
        )
    return names[spelled(text)]


def as_list(found: Wanted) -> str:
    """The text that `gradest list` prints: estimators, problems and presets."""
    blocks = []
    for heading, listed in (("estimator", found.estimators), ("problem", found.problems)):
        if listed:
            lines = [line for each in listed for line in lines_of(each, found.caveats)]
            blocks.append([row(heading, "draws", "what for"), *lines])
    if found.presets:
        lines = [row(name, "", purpose) for name, purpose in found.presets.items()]
        blocks.append([row("preset", "", "what for"), *lines])
    return "\n\n".join("\n".join(block) for block in blocks)


def lines_of(listed: Listed, caveats: Mapping[str, str]) -> list[str]:
    """One line, and below it what its claim depends on."""
    line = row(listed.name, listed.drawn, purposes()[listed.name])
    caveat = caveats.get(listed.name)
    if not caveat:
        return [line]
    indent = " " * (NAMES + 2)
    return [line, *textwrap.wrap(caveat, WIDTH, initial_indent=indent, subsequent_indent=indent)]


def row(name: str, drawn: str, purpose: str) -> str:
    """Three columns; a name that is too long for its own has a line to itself.

    >>> print(row("local_reparameterization_too", "Gaussian", "Bayesian layers"))
    local_reparameterization_too
                              Gaussian     Bayesian layers
    """
    columns = f"{drawn:<{DRAWN}}  {purpose}" if drawn else purpose
    if len(name) > NAMES:
        return f"{name}\n{'':<{NAMES}}  {columns}".rstrip()
    return f"{name:<{NAMES}}  {columns}".rstrip()


def presets() -> dict[str, str]:
    """What each preset is for: the first line of its file."""
    return {name: purpose_of(name) for name in preset_names()}


def as_json(found: Wanted) -> dict[str, Any]:
    """The same as data, with which estimator refuses which problem, and why."""
    problems, estimators = names_of(found.problems), names_of(found.estimators)
    supports = refusals()
    return {
        "problems": problems,
        "estimators": estimators,
        "presets": list(found.presets),
        "caveats": found.caveats,
        "purposes": {name: purposes()[name] for name in [*problems, *estimators]},
        "supports": {
            problem: {name: supports[problem][name] for name in estimators} for problem in problems
        },
    }


def names_of(listed: Iterable[Listed]) -> list[str]:
    """Their names."""
    return [each.name for each in listed]


def restricted(
    rows: dict[str, list[dict[str, Any]]], found: Wanted
) -> dict[str, list[dict[str, Any]]]:
    """Those of the catalogue's rows that are listed."""
    keep: dict[str, Collection[str]] = {
        "estimators": names_of(found.estimators),
        "problems": names_of(found.problems),
    }
    return {
        kind: [each for each in rows[kind] if each[kind.removesuffix("s")] in keep[kind]]
        for kind in keep
    }
