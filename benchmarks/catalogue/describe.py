"""What a registered name stands for, from its class: nothing is written twice."""

import inspect
from collections.abc import Collection
from typing import Any

from gradest.benchmarks.catalogue.catalogue import estimator_row, every_problem, problem_row
from gradest.benchmarks.catalogue.citations import bibtex
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.environment import is_ours
from gradest.benchmarks.sweeps.schema import load_sweep, preset_folder, preset_names
from gradest.estimators import ESTIMATORS, Estimator
from gradest.problems import PROBLEMS, Problem
from gradest.problems.arguments import arguments, build, defaults, nearest, own_class


def description(name: str) -> dict[str, Any]:
    """A problem's, estimator's or preset's facts, and a text that shows them.

    Raises:
        BadInput: no such name.
    """
    if name in preset_names():
        text = (preset_folder() / f"{name}.toml").read_text(encoding="utf-8").rstrip()
        sweep = load_sweep(name)
        cited: list[Any] = [PROBLEMS[entry.name] for entry in sweep.problem]
        cited += [ESTIMATORS[entry.name] for entry in sweep.estimator]
        return {
            "kind": "preset",
            "name": name,
            "text": text,
            "sweep": sweep.model_dump(exclude_none=True),
            "bibtex": bibtex(cls.source for cls in cited),
        }
    try:
        return of_class(*class_of(name, preset_names()), name)
    except ValueError as error:  # a user's class that cannot be made with its defaults
        raise BadInput(str(error)) from error


def class_of(name: str, others: Collection[str] = ()) -> tuple[str, Any]:
    """Whether `name` is a problem or an estimator, registered or `module:Class`, and its class.

    Raises:
        BadInput: no such name; the nearest is named, of the `others` too.
    """
    if ":" in name:
        try:
            cls = own_class("name", (Problem, Estimator), name)
        except ValueError as error:
            raise BadInput(str(error)) from error
        return ("problem" if issubclass(cls, Problem) else "estimator"), cls
    for kind, registry in (("problem", PROBLEMS), ("estimator", ESTIMATORS)):
        if name in registry:
            return kind, registry[name]
    known = [*PROBLEMS, *ESTIMATORS, *others]
    expected = "a problem, an estimator" + (", a preset" if others else "") + " or module:Class"
    raise BadInput(f"name {name!r}: expected {expected}{nearest(name, known)}")


def of_class(kind: str, cls: Any, name: str) -> dict[str, Any]:
    """From the docstring, the arguments' declarations and the class's facts."""
    default = defaults(cls)
    taken = {
        key: {"default": default[key], "expected": argument.expected, "help": argument.help}
        for key, argument in arguments(cls).items()
    }
    facts = facts_of(kind, cls, name)
    lines = [f"{name} ({kind})", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    lines += [f"{key}: {value}" for key, value in facts.items() if value]
    if taken:
        lines += ["", "arguments:"]
        lines += [
            f"  {key} = {a['default']!r}: {a['help']}; {a['expected']}" for key, a in taken.items()
        ]
    papers = bibtex([cls.source]) if is_ours(cls) else ""
    return {
        "kind": kind,
        "name": name,
        **facts,
        "arguments": taken,
        "bibtex": papers,
        "text": "\n".join(lines),
    }


def facts_of(kind: str, cls: Any, name: str) -> dict[str, Any]:
    """What the catalogue says of the class, and the pairs it fits."""
    if kind == "problem":
        problem = build(kind, PROBLEMS, name, {})
        fits = [name for name, other in ESTIMATORS.items() if not other().refuses(problem)]
        row = problem_row(name, problem)
        return {
            "source": cls.source,
            "variable": row["variable"],
            "exact gradient": row["exact_gradient"],
            "estimators": ", ".join(fits),
        }
    problems = every_problem()
    estimator = build(kind, ESTIMATORS, name, {})
    row = estimator_row(name, cls, problems)
    supported = {label for label, problem in problems.items() if not estimator.refuses(problem)}
    fitting = [
        label
        for label in problems
        if label in supported and label.partition("[")[0] not in supported - {label}
    ]
    return {
        "source": cls.source,
        "bias": {"yes": "unbiased", "no": "biased"}.get(
            row["unbiased"], f"unbiased {row['unbiased']}"
        ),
        "variables": row["variables"],
        "needs ∇f": "yes" if row["gradient_of_f"] else "no",
        "state": row["state"],
        "problems": ", ".join(fitting),
    }
