"""Names as people read them, for figures and tables.

No problem, estimator or argument is known by name.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from gradest.benchmarks.statistics.intervals import CONFIDENCE
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from gradest.problems.arguments import defaults
from gradest.problems.registry.naming import written

SPELLING = {
    "leave one out": "leave-one-out",
    "measure valued": "measure-valued",
    "straight through": "straight-through",
    "gumbel softmax": "Gumbel-softmax",
    "gumbel rao": "Gumbel-Rao",
    "reinmax": "ReinMax",
    "sum and sample": "sum-and-sample",
    "not merge": "unmerged",
    "not with baseline": "no baseline",
    "arsm": "ARSM",
    "disarm": "DisARM",
    "stick breaking": "stick-breaking",
    "plackett luce": "Plackett–Luce",
    "gumbel": "Gumbel",
    "rebar": "REBAR",
    "relax": "RELAX",
    "arms": "ARMS",
    "arm": "ARM",
    "rodeo": "RODEO",
    "dirichlet multinomial": "Dirichlet–multinomial",
    "dirichlet": "Dirichlet",
    "gaussian": "Gaussian",
    "bernoulli": "Bernoulli",
    "vae": "VAE",
    "dreg": "DReG",
    "vimco": "VIMCO",
    "ovis": "OVIS",
    "flipout": "Flipout",
    "bayesian": "Bayesian",
    "normal normal": "normal–normal",
    "linear quadratic": "linear–quadratic",
    "monte carlo": "Monte Carlo",
    "von mises": "von Mises",
    "student t": "Student t",
    "poisson": "Poisson",
    "weibull": "Weibull",
    "laplace": "Laplace",
    "sobol": "Sobol",
    "spsa": "SPSA",
    "lax": "LAX",
    "rao blackwell": "Rao–Blackwell",
    "not coupled": "uncoupled",
    "init": "initialisation",
}
"""Where words are not simply those of the name in snake_case; longer ones first."""

SYMBOLS = {"temperature": "τ", "gamma": "γ"}

INTERVALS = f"{100 * CONFIDENCE:g} % intervals"

POINT_ARGUMENT = "train_steps"
"""The argument that only says at which θ a problem is measured: its values share a figure."""


def words(name: str) -> str:
    """A name in snake_case as it is written in prose; a user's own, `module:Class`, stays as it is.

    >>> words("straight_through_gumbel")
    'straight-through Gumbel'
    """
    if ":" in name:
        return name
    text = name.replace("_", " ")
    for plain, proper in SPELLING.items():
        text = re.sub(rf"\b{plain}\b", proper, text)
    return text


def sort_key(values: Iterable[Any]) -> list[tuple[bool, Any]]:
    """What sorts arguments by their values, numbers before texts.

    >>> sorted([["512-256"], [32], [0]], key=sort_key)
    [[0], [32], ['512-256']]
    """
    return [(isinstance(value, str), value) for value in values]


def number_text(value: float) -> str:
    """A number in full, 3 rather than 3.0."""
    return repr(value).removesuffix(".0")


def noteworthy(cls: type | None, args_json: str, swept: Collection[str] = ()) -> dict[str, Any]:
    """The arguments that a label has to name.

    Args:
        cls: whose arguments; None for one of the user's.
        args_json: all of them.
        swept: those that differ among what is labelled.

    Returns:
        The arguments that differ from their class's defaults, and the swept ones.
    """
    usual = defaults(cls) if cls else {}
    differing = {}
    for key, value in json.loads(args_json).items():
        is_usual = key in usual and value == usual[key]
        if not is_usual or (key in swept and value != "none"):
            differing[key] = value
    return differing


def estimator_label(name: str, args_json: str, swept: Collection[str] = ()) -> str:
    """An estimator in words, with those of its arguments that are not the defaults.

    Args:
        name: the estimator's registered name.
        args_json: all its arguments.
        swept: arguments to name even where they are the defaults.

    >>> estimator_label("score_function", '{"baseline": "leave_one_out"}')
    'score function, leave-one-out'
    """
    arguments = noteworthy(ESTIMATORS.get(name), args_json, swept)
    return ", ".join([words(name), *(argument_text(*item) for item in arguments.items())])


def argument_text(name: str, value: Any) -> str:
    """An estimator's argument in words.

    >>> argument_text("coupled", False), argument_text("temperature", 0.5)
    ('uncoupled', 'τ = 0.5')
    """
    if isinstance(value, bool):
        return words(name if value else f"not_{name}")
    if isinstance(value, str):
        return words(value if value != "none" else f"no_{name}")
    return f"{SYMBOLS.get(name, words(name))} = {number_text(value)}"


def short_label(name: str, args_json: str) -> str:
    """An estimator or a problem as a command's option names it, with what is not the default.

    Args:
        name: its registered name.
        args_json: all its arguments.

    >>> short_label("score_function", '{"baseline": "leave_one_out"}')
    'score_function[baseline=leave_one_out]'
    """
    return written(name, noteworthy(ESTIMATORS.get(name) or PROBLEMS.get(name), args_json))


def problem_label(name: str, args_json: str) -> str:
    """A problem in words, with the arguments that are not the defaults.

    >>> problem_label("gaussian_square", '{"dim": 1, "k": -2.5, "mean": 1.0, "scale": 1.0}')
    'Gaussian square (k = -2.5)'
    """
    texts = []
    for key, value in noteworthy(PROBLEMS.get(name), args_json).items():
        text = words(value) if isinstance(value, str) else number_text(value)
        texts.append(f"{words(key)} = {text}")
    title = words(name)
    if ":" not in name:
        title = title[:1].upper() + title[1:]
    return f"{title} ({', '.join(texts)})" if texts else title


def file_name(text: str) -> str:
    """A text as part of a file's name: [a-z0-9_] only.

    >>> file_name("my_module:MyProblem")
    'my_module_myproblem'
    """
    spelled = text.lower().replace("-", "m").replace(".", "p")
    return re.sub(r"[^a-z0-9_]+", "_", safe_name(spelled))


LONGEST_NAME = 150
"""Characters of a file's name, of which file systems allow 255 bytes, suffixes included."""


def safe_name(text: str) -> str:
    """A text as a file's name: it names no folder, is not too long, and every system has it.

    >>> safe_name("my_module:Mine_init_a/b"), safe_name("μ")
    ('my_module_Mine_init_a_b', 'mu')
    """
    spelled = "".join(greek_name(char) or char for char in text)
    return re.sub(r"[^A-Za-z0-9_.-]", "_", spelled).lstrip(".-")[:LONGEST_NAME] or "_"


def unique(name: str, taken: set[str]) -> str:
    """The name, numbered where it is taken already, in capitals or not; it is taken then."""
    number = 1
    free = name
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free.lower())
    return free


def greek_name(char: str) -> str:
    """What a Greek letter is called; empty for any other character.

    >>> greek_name("μ"), greek_name("Σ"), greek_name("a")
    ('mu', 'Sigma', '')
    """
    char = unicodedata.normalize("NFKC", char)  # µ, a unit's prefix, is μ
    found = re.match(
        "GREEK (SMALL|CAPITAL) LETTER (FINAL )?([A-Z]+)$", unicodedata.name(char[0], "")
    )
    if found is None:
        return ""
    name = found[3].lower().replace("lamda", "lambda")
    return name if found[1] == "SMALL" else name.title()


def without(args_json: str, argument: str) -> str:
    """Arguments as JSON, less one of them."""
    rest = {key: value for key, value in json.loads(args_json).items() if key != argument}
    return json.dumps(rest, sort_keys=True)


def place_label(problem: str, args_json: str, point: str, group: str) -> str:
    """A group of a problem's θ in words.

    Args:
        problem: the problem's registered name.
        args_json: its arguments.
        point: where θ stands.
        group: the part of θ; empty for all of it.

    >>> place_label("gaussian_cosine", '{"k": 1.0}', "init", "mean")
    'Gaussian cosine, initialisation, ∂/∂ mean'
    """
    parts = [problem_label(problem, args_json), words(point)]
    if group:
        parts.append(f"∂/∂ {words(group)}")
    return ", ".join(filter(None, parts))


SUBJECTS = {name: f"the {name}" for name in ("score function", "unordered set")}
"""Where an estimator's name is a noun and takes an article."""


def row_label(row: Any) -> str:
    """A row of the measurements in words."""
    return f"{line_label(row)}, L = {row.num_samples}"


def line_label(row: Any) -> str:
    """A row of the measurements in words, but for L."""
    group = row.group if isinstance(row.group, str) else ""
    place = place_label(row.problem, row.problem_args, row.point, group)
    return f"{estimator_label(row.estimator, row.estimator_args)} on {place}"


def subject(label: str) -> str:
    """An estimator's label within a sentence, its arguments in brackets.

    >>> subject("score function, leave-one-out")
    'the score function (leave-one-out)'
    """
    name, *arguments = label.split(", ")
    noun = SUBJECTS.get(name, name)
    return f"{noun} ({', '.join(arguments)})" if arguments else noun


def slug(name: str, args_json: str) -> str:
    """A problem as part of a file's name, different for every choice of arguments.

    Args:
        name: the problem's registered name.
        args_json: its arguments.

    Returns:
        A text of [a-z0-9_] only.

    >>> slug("gaussian_square", '{"dim": 1, "k": -2.5, "mean": 1.0, "scale": 1.0}')
    'gaussian_square_k_m2p5'
    """
    parts = [name]
    for key, value in noteworthy(PROBLEMS.get(name), args_json).items():
        text = value if isinstance(value, (str, bool)) else number_text(value)
        parts.append(f"{key}_{text}")
    return file_name("_".join(parts))
