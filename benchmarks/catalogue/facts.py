"""Facts of all estimators and problems, from their classes alone: what `gradest list` prints."""

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpyro.distributions as dist

from gradest.estimators import ESTIMATORS, Estimator
from gradest.estimators.aliases import ALIASES
from gradest.problems import PROBLEMS, Problem
from gradest.problems.arguments import Argument, arguments, defaults
from gradest.problems.distributions.coordinates import base
from gradest.problems.registry.lookup import build
from gradest.problems.registry.naming import written

Variants = list[tuple[str, Estimator]]
"""Estimators, each with its label."""

OTHERWISE: dict[str, dict[str, Any]] = {"gamma_toy": {"learn": "rate"}}
"""Arguments with which a problem is for estimators that refuse it with its defaults."""

COST = re.compile(r"Cost:\s+(.+?)\.(?:\s|$)", re.DOTALL)
"""The sentence of a docstring that says what an estimate costs."""


def registered_names() -> list[str]:
    """The names of all estimators and problems, and the other names of estimators."""
    return [*ESTIMATORS, *ALIASES, *PROBLEMS]


def every_problem() -> dict[str, Problem]:
    """Each problem with its defaults, and with the arguments of OTHERWISE, by its label."""
    problems = {name: cls() for name, cls in PROBLEMS.items()}
    for name, chosen in OTHERWISE.items():
        problems[written(name, chosen)] = build("problem", PROBLEMS, name, chosen)
    return problems


def refusals() -> dict[str, dict[str, str | None]]:
    """For each problem and each estimator, at their defaults: None, or the reason why not."""
    problems = {name: cls() for name, cls in PROBLEMS.items()}
    estimators = {name: cls() for name, cls in ESTIMATORS.items()}
    return {
        name: {label: estimator.refuses(problem) for label, estimator in estimators.items()}
        for name, problem in problems.items()
    }


def variants(name: str, cls: type[Estimator]) -> Variants:
    """An estimator with its defaults, and with one choice or flag changed at a time.

    Args:
        name: registered, or `module:Class`.
        cls: what the name stands for.

    Returns:
        Each with its label, `name[argument=value]`.
    """
    made = [(name, build("estimator", ESTIMATORS, name, {}))]
    for key, value in changes(cls):
        changed = {key: value}
        made.append((written(name, changed), build("estimator", ESTIMATORS, name, changed)))
    return made


def changes(cls: type) -> Iterator[tuple[str, Any]]:
    """Each argument that takes one of a few values, with each value but the default."""
    usual = defaults(cls)
    for key, argument in arguments(cls).items():
        yield from ((key, value) for value in values_of(argument) if value != usual[key])


def values_of(argument: Argument) -> Sequence[Any]:
    """The values of an argument that takes few; none of a number."""
    if argument.kind == "choice":
        return argument.choices
    return (True, False) if argument.kind == "flag" else ()


def kind_of(problem: Problem) -> str:
    """What x is, by the distribution of its coordinates.

    >>> from gradest.problems import problem
    >>> kind_of(problem("vae_bernoulli"))
    'Bernoulli'
    """
    name = type(base(problem.abstract_distribution())).__name__
    return re.sub(r"^OneHot|(Logits|Probs)$", "", name)


def is_discrete(problem: Problem) -> bool:
    """Whether x is discrete."""
    q: dist.Distribution = base(problem.abstract_distribution())
    return bool(q.has_enumerate_support or getattr(q.support, "is_discrete", False))


def variables(fitting: Sequence[Problem], problems: Iterable[Problem]) -> str:
    """What x may be, in the fewest words.

    Args:
        fitting: the problems that an estimator does not refuse.
        problems: all there are.
    """
    kinds = {kind_of(problem) for problem in fitting}
    wordings = []
    for group, members in kinds_by_group(problems).items():
        others = sorted(members - kinds)
        if kinds <= members and len(others) < 2:
            wordings.append(f"{group} but {others[0]}" if others else group)
    return min([*wordings, ", ".join(sorted(kinds))], key=len)


def kinds_by_group(problems: Iterable[Problem]) -> dict[str, set[str]]:
    """What x is in all problems, in those where it is discrete, and in the others."""
    discrete: set[str] = set()
    continuous: set[str] = set()
    for problem in problems:
        kinds = discrete if is_discrete(problem) else continuous
        kinds.add(kind_of(problem))
    return {"any": discrete | continuous, "discrete": discrete, "continuous": continuous}


def cost_in_words(cls: type) -> str:
    """The sentence of the docstring, or of a parent's, that says what an estimate costs."""
    for parent in cls.__mro__:
        sentence = COST.search(inspect.cleandoc(parent.__doc__ or ""))
        if sentence:
            return " ".join(sentence[1].split())
    return ""


def summary(cls: type) -> str:
    """The first sentence of the docstring, formulas included."""
    text = " ".join(inspect.cleandoc(cls.__doc__ or "").split())
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def unbiased_in_words(cls: type[Estimator]) -> str:
    """Whether the estimate is claimed to be unbiased: "no", "yes", or where."""
    if not cls.unbiased:
        return "no"
    return "where f is smooth" if cls.differentiates_f else "yes"


def caveat_in_words(name: str) -> str:
    """Where a registered estimator that claims to be unbiased is not; "" where it always is.

    >>> caveat_in_words("pathwise")
    'may be biased: where f jumps'
    """
    cls = ESTIMATORS[name]
    if not cls.unbiased:
        return ""
    jumps = PROBLEMS["gaussian_step"]()
    reasons = []
    if not cls().claims_unbiased(jumps):
        made = (
            (change, build("estimator", ESTIMATORS, name, dict([change])))
            for change in changes(cls)
        )
        spared = [f"{key} = {value}" for (key, value), each in made if each.claims_unbiased(jumps)]
        reasons.append("where f jumps" + (f", but for {', '.join(spared)}" if spared else ""))
    if cls.biased_by:
        reasons.append(cls.biased_by)
    return f"may be biased: {'; '.join(reasons)}" if reasons else ""


def bias_in_words(estimator: str, problem: str) -> str:
    """Why an estimator that claims no unbiasedness on a problem does not; "" of one's own classes.

    Args:
        estimator: its registered name.
        problem: the same.
    """
    cls, of = ESTIMATORS.get(estimator), PROBLEMS.get(problem)
    if cls is not None and cls.biased_by:
        return cls.biased_by
    return of.not_smooth if cls and of and not of.smooth else ""


def state_in_words(name: str, cls: type[Estimator], fitting: Sequence[Problem]) -> str:
    """Whether an estimator learns from one estimate to the next: "no", "yes", or with what.

    Args:
        name: registered, or `module:Class`.
        cls: what the name stands for.
        fitting: the problems that it does not refuse.
    """
    usually = learns(build("estimator", ESTIMATORS, name, {}), fitting)
    otherwise: dict[str, list[str]] = defaultdict(list)
    for key, value in changes(cls):
        changed = build("estimator", ESTIMATORS, name, {key: value})
        if learns(changed, fitting) != usually:
            otherwise[key].append(str(value))
    if not otherwise:
        return yes(usually)
    text = "; ".join(f"{key} = {', '.join(values)}" for key, values in otherwise.items())
    return f"yes, but for {text}" if usually else text


def learns(estimator: Estimator, problems: Iterable[Problem]) -> bool:
    """Whether an estimator has a state, on the first of the problems that it does not refuse."""
    first = next((problem for problem in problems if not estimator.refuses(problem)), None)
    if first is None:
        return False
    key = jax.random.key(0)
    state = jax.eval_shape(lambda key: estimator.init(first, first.init_params(key), key), key)
    return bool(jax.tree.leaves(state))


def needs_gradient_of_f(estimator: Estimator, fitting: Iterable[Problem]) -> bool:
    """Whether an estimate takes the gradient of f even where f does not depend on θ."""
    if estimator.differentiates_f:
        return True
    plain = (problem for problem in fitting if not problem.objective_uses_params)
    first = next(plain, None)
    return first is not None and estimator.evaluations(first, 64).grad > 0


def estimator_row(name: str, cls: type[Estimator], problems: dict[str, Problem]) -> dict[str, Any]:
    """The facts of an estimator at its defaults.

    Args:
        name: registered, or `module:Class`.
        cls: what the name stands for.
        problems: those that it is tried on, by their labels.
    """
    estimator = cls()
    fitting = [problem for problem in problems.values() if not estimator.refuses(problem)]
    return {
        "estimator": name,
        "variables": variables(fitting, problems.values()),
        "gradient_of_f": needs_gradient_of_f(estimator, fitting),
        "unbiased": unbiased_in_words(cls),
        "evaluations": cost_in_words(cls),
        "state": state_in_words(name, cls, fitting),
        "paper": cls.source,
    }


def problem_row(name: str, problem: Problem) -> dict[str, Any]:
    """The facts of a problem.

    Args:
        name: registered, or `module:Class`.
        problem: made with its defaults.
    """
    cls = type(problem)
    return {
        "problem": name,
        "variable": kind_of(problem),
        "groups": list(jax.eval_shape(problem.init_params, jax.random.key(0))),
        "exact_gradient": cls.truth or "none",
        "about": summary(cls),
        "paper": cls.source,
    }


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """The facts of all registered estimators and problems."""
    problems = every_problem()
    return {
        "estimators": [estimator_row(name, cls, problems) for name, cls in ESTIMATORS.items()],
        "problems": [problem_row(name, problems[name]) for name in PROBLEMS],
    }


ESTIMATOR_COLUMNS = {
    "estimator": "estimator",
    "variables": "variables",
    "gradient_of_f": "∇f",
    "unbiased": "unbiased",
    "state": "state",
    "evaluations": "evaluations",
    "paper": "paper",
}
PROBLEM_COLUMNS = {
    "problem": "problem",
    "variable": "variable",
    "groups": "θ",
    "exact_gradient": "exact gradient",
    "paper": "paper",
}
"""What `gradest list` shows of a row, and under which heading."""


def as_text(rows: dict[str, list[dict[str, Any]]]) -> str:
    """The catalogue for a terminal: a line for each estimator and each problem."""
    estimators = [texts_of(row, ESTIMATOR_COLUMNS) for row in rows["estimators"]]
    problems = [texts_of(row, PROBLEM_COLUMNS) for row in rows["problems"]]
    return "\n".join(
        [
            *aligned([*ESTIMATOR_COLUMNS.values()], estimators),
            "",
            *aligned([*PROBLEM_COLUMNS.values()], problems),
        ]
    )


def texts_of(row: dict[str, Any], keys: Iterable[str]) -> list[str]:
    """Some of a row's facts, each as a text."""
    return [fact_in_words(key, row[key]) for key in keys]


def fact_in_words(key: str, fact: Any) -> str:
    """One fact of a row as a text."""
    if isinstance(fact, bool):
        return yes(fact)
    if isinstance(fact, list):
        return ", ".join(fact)
    return fact.replace("_", " ") if key == "state" else fact


def aligned(headings: list[str], rows: list[list[str]]) -> list[str]:
    """Lines in which each column begins at the same place.

    >>> aligned(["a", "b"], [["long", "x"]])
    ['a     b', 'long  x']
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in (headings, *rows)]


def yes(value: bool) -> str:
    """A truth value as "yes" or "no"."""
    return "yes" if value else "no"
