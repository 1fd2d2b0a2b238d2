"""Names as people read them, for figures and tables: no problem, estimator or argument is known by name."""

import json
import re
from collections.abc import Collection
from typing import Any

from gradest.benchmarks.statistics.intervals import CONFIDENCE
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from gradest.problems.arguments import defaults

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


def number_text(value: float) -> str:
    """A number in full, 3 rather than 3.0."""
    return repr(value).removesuffix(".0")


def worth_saying(cls: type | None, args_json: str, swept: Collection[str] = ()) -> dict[str, Any]:
    """The arguments that differ from their class's defaults, and those in `swept`."""
    usual = defaults(cls) if cls else {}
    given = json.loads(args_json)
    return {
        k: v
        for k, v in given.items()
        if k not in usual or v != usual[k] or (k in swept and v != "none")
    }


def estimator_label(name: str, args_json: str, swept: Collection[str] = ()) -> str:
    """An estimator in words, with its arguments where they are not the defaults, or are `swept`.

    >>> estimator_label("score_function", '{"baseline": "leave_one_out", "control_variate": "none"}')
    'score function, leave-one-out'
    """

    def text(key: str, value: Any) -> str:
        if isinstance(value, bool):
            return words(key if value else f"not_{key}")
        if isinstance(value, str):
            return words(value if value != "none" else f"no_{key}")
        return f"{SYMBOLS.get(key, words(key))} = {number_text(value)}"

    given = worth_saying(ESTIMATORS.get(name), args_json, swept)
    return ", ".join([words(name), *(text(*item) for item in given.items())])


def problem_label(name: str, args_json: str) -> str:
    """A problem in words, with the arguments that are not the defaults.

    >>> problem_label("gaussian_square", '{"dim": 1, "k": -2.5, "mean": 1.0, "scale": 1.0}')
    'Gaussian square (k = -2.5)'
    """
    given = worth_saying(PROBLEMS.get(name), args_json)
    text = ", ".join(
        f"{words(k)} = {words(v) if isinstance(v, str) else number_text(v)}"
        for k, v in given.items()
    )
    title = words(name)
    if ":" not in name:
        title = title[:1].upper() + title[1:]
    return title + (f" ({text})" if text else "")


def file_name(text: str) -> str:
    """A text as part of a file's name: [a-z0-9_] only.

    >>> file_name("my_module:MyProblem")
    'my_module_myproblem'
    """
    return re.sub(r"[^a-z0-9_]+", "_", text.lower().replace("-", "m").replace(".", "p"))


def without(args_json: str, argument: str) -> str:
    """The arguments less one."""
    return json.dumps(
        {k: v for k, v in json.loads(args_json).items() if k != argument}, sort_keys=True
    )


def place_label(problem: str, args_json: str, point: str, group: str) -> str:
    """A group of a problem's θ in words.

    >>> place_label("gaussian_cosine", '{"dim": 1, "k": 1.0, "mean": 1.0, "scale": 1.0}', "init", "mean")
    'Gaussian cosine, initialisation, ∂/∂ mean'
    """
    parts = [
        problem_label(problem, args_json),
        words(point),
        f"∂/∂ {words(group)}" if group else "",
    ]
    return ", ".join(filter(None, parts))


SUBJECTS = {name: f"the {name}" for name in ("score function", "unordered set")}
"""Where an estimator's name is a noun and takes an article."""


def subject(label: str) -> str:
    """An estimator's label within a sentence, its arguments in brackets.

    >>> subject("score function, leave-one-out")
    'the score function (leave-one-out)'
    """
    name, *arguments = label.split(", ")
    return SUBJECTS.get(name, name) + (f" ({', '.join(arguments)})" if arguments else "")


def slug(name: str, args_json: str) -> str:
    """A problem as part of a file's name: [a-z0-9_] only, and different for every choice of
    arguments.

    >>> slug("gaussian_square", '{"dim": 1, "k": -2.5, "mean": 1.0, "scale": 1.0}')
    'gaussian_square_k_m2p5'
    """
    given = worth_saying(PROBLEMS.get(name), args_json)
    parts = [f"{k}_{v if isinstance(v, (str, bool)) else number_text(v)}" for k, v in given.items()]
    return file_name("_".join([name, *parts]))
