"""What a registered name stands for, from its class: nothing is written twice."""

import inspect
from collections.abc import Collection
from typing import Any, NamedTuple

from gradest.benchmarks.catalogue.citations import bibtex
from gradest.benchmarks.catalogue.facts import estimator_row, every_problem, problem_row, yes
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.presets import preset_names, preset_text
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.estimators import ESTIMATORS, Estimator, is_estimator, named_estimator
from gradest.estimators.aliases import ALIASES
from gradest.problems import PROBLEMS, Problem
from gradest.problems.arguments import arguments, defaults
from gradest.problems.registry.lookup import build, make, no_such
from gradest.problems.registry.naming import parse, written
from gradest.problems.registry.own_faults import FAILURES, located, place_of
from gradest.problems.registry.own_folders import is_ours
from gradest.problems.registry.own_modules import own_class


class Named(NamedTuple):
    """What a text stands for."""

    kind: str
    """"problem" or "estimator"."""
    cls: Any
    name: str
    """Registered, or `module:Class`."""
    arguments: dict[str, Any]
    """Those that the text has, or that the other name stands for."""


def description(name: str) -> dict[str, Any]:
    """The facts of a problem, an estimator or a preset, and a text that shows them.

    Args:
        name: registered, another name of an estimator, a preset's, or `module:Class`.

    Raises:
        BadInput: no such name.
    """
    presets = preset_names()
    if name in presets:
        return preset_description(name)
    named = class_of(name, presets)
    try:
        make(named.kind, named.name, named.cls, named.arguments)  # refuses what cannot be
        facts = class_description(named.kind, named.cls, named.name)
    except FAILURES as error:  # a user's class that cannot be made with its defaults, or fails
        place = place_of(error)
        if isinstance(error, ValueError) and not place:
            raise BadInput(str(error)) from error
        if is_ours(named.cls):
            raise
        raise BadInput(f"{named.kind} {name}: {located(error, place)}") from error
    if named.name != name:
        facts["text"] = f"{name}: {written(named.name, named.arguments)}\n\n{facts['text']}"
    return facts


def class_of(text: str, others: Collection[str] = ()) -> Named:
    """Whether a text names a problem or an estimator, and its class.

    Args:
        text: a registered name, another name of an estimator or `module:Class`, each with
            arguments in brackets or without.
        others: further names that an error may offer.

    Raises:
        BadInput: no such name; the nearest is named.
    """
    try:
        name, chosen = parse(text)
        if name in PROBLEMS:
            return Named("problem", PROBLEMS[name], name, chosen)
        if ":" in name:
            cls = own_class("name", (Problem, Estimator), name)
            kind = "problem" if issubclass(cls, Problem) else "estimator"
            return Named(kind, cls, name, chosen)
        if is_estimator(name):
            name, chosen = named_estimator(text)
            return Named("estimator", ESTIMATORS[name], name, chosen)
    except ValueError as error:
        raise BadInput(str(error)) from error
    raise BadInput(no_such("name", name, [*PROBLEMS, *ESTIMATORS, *ALIASES, *others]))


def preset_description(name: str) -> dict[str, Any]:
    """The description of a preset: its file."""
    sweep = load_sweep(name)
    problems = [class_of(name).cls.source for entry in sweep.problem for name in entry.names]
    estimators = [class_of(name).cls.source for entry in sweep.estimator for name in entry.names]
    paper = [sweep.paper.reference] if sweep.paper else []
    return {
        "kind": "preset",
        "name": name,
        "text": preset_text(name).rstrip(),
        "sweep": sweep.model_dump(exclude_none=True),
        "bibtex": bibtex([*paper, *problems, *estimators]),
    }


def class_description(kind: str, cls: Any, name: str) -> dict[str, Any]:
    """The description of a class: its docstring, the declarations of its arguments, its facts."""
    facts = problem_facts(cls, name) if kind == "problem" else estimator_facts(cls, name)
    taken = arguments_of(cls)
    return {
        "kind": kind,
        "name": name,
        **facts,
        "arguments": taken,
        "bibtex": bibtex([cls.source]) if is_ours(cls) else "",
        "text": "\n".join(lines_of(kind, cls, name, facts, taken)),
    }


def arguments_of(cls: type) -> dict[str, dict[str, Any]]:
    """Each argument of a class: its default, what is expected, and what it is."""
    usual = defaults(cls)
    return {
        key: {"default": usual[key], "expected": argument.expected, "help": argument.help}
        for key, argument in arguments(cls).items()
    }


def lines_of(
    kind: str, cls: type, name: str, facts: dict[str, str], taken: dict[str, dict[str, Any]]
) -> list[str]:
    """The description of a class as text."""
    lines = [f"{name} ({kind})", "", *paragraphs(cls.__doc__ or ""), ""]
    lines += [f"{key}: {value}" for key, value in facts.items() if value]
    if taken:
        lines += ["", "arguments:"]
    for key, argument in taken.items():
        lines.append(
            f"  {key} = {argument['default']!r}: {argument['help']}; {argument['expected']}"
        )
    return lines


def paragraphs(doc: str) -> list[str]:
    """A docstring with each paragraph in one line; what is indented keeps its own lines."""
    lines: list[str] = []
    for line in inspect.cleandoc(doc).splitlines():
        goes_on = lines and lines[-1] and line and not line.startswith((" ", "- "))
        if goes_on:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return lines


def problem_facts(cls: type[Problem], name: str) -> dict[str, str]:
    """What the catalogue says of a problem, and the estimators that it fits."""
    problem = build("problem", PROBLEMS, name, {})
    fitting = [label for label, other in ESTIMATORS.items() if not other().refuses(problem)]
    row = problem_row(name, problem)
    return {
        "source": cls.source,
        "variable": row["variable"],
        "exact gradient": row["exact_gradient"],
        "estimators": ", ".join(fitting),
    }


def estimator_facts(cls: type[Estimator], name: str) -> dict[str, str]:
    """What the catalogue says of an estimator, and the problems that it fits."""
    problems = every_problem()
    estimator = build("estimator", ESTIMATORS, name, {})
    fitting = [label for label, problem in problems.items() if not estimator.refuses(problem)]
    row = estimator_row(name, cls, problems)
    return {
        "source": cls.source,
        "bias": bias_in_words(row["unbiased"]),
        "variables": row["variables"],
        "needs ∇f": yes(row["gradient_of_f"]),
        "state": row["state"],
        "problems": ", ".join(without_repetitions(fitting)),
    }


def bias_in_words(unbiased: str) -> str:
    """The catalogue's "yes", "no" or condition as a phrase of its own."""
    phrases = {"yes": "unbiased", "no": "biased"}
    return phrases.get(unbiased, f"unbiased {unbiased}")


def without_repetitions(labels: list[str]) -> list[str]:
    """Labels of problems, those with arguments only where the same name alone is not among them."""
    return [label for label in labels if label.partition("[")[0] not in {*labels} - {label}]
