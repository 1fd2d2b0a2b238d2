"""Who is tried: every registered estimator, and a short list of variants."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gradest.benchmarks.errors import BadInput
from gradest.estimators import ESTIMATORS, Estimator
from gradest.estimators.conformance import refusal, refusal_of_samples
from gradest.problems.arguments import defaults
from gradest.problems.base import Problem
from gradest.problems.registry.instances import Choice
from gradest.problems.registry.lookup import build
from gradest.problems.registry.naming import written

TEMPERATURES = (0.2, 1.0)
"""Beside the default, 0.5: bias grows with τ and variance falls, and which of them counts is the
budget's."""

VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    # what REINFORCE should be at L ≥ 2: it costs no evaluation and learns nothing
    ("score_function", {"baseline": "leave_one_out"}),
    # the constant of least variance, which works at L = 1
    ("score_function", {"baseline": "optimal"}),
    # what is used most, in reinforcement learning above all
    ("score_function", {"baseline": "moving_average"}),
    # f's expansion about the mean of x: the first order is MuProp's, the second the delta method's;
    # they pay where f is nearly so
    ("score_function", {"control_variate": "first_order"}),
    ("score_function", {"control_variate": "delta"}),
    # mirrored pairs cost nothing, and cancel what is odd in f
    ("score_function", {"coupling": "antithetic"}),
    ("pathwise", {"coupling": "antithetic"}),
    # relaxations live by their temperature
    *(("gumbel_softmax", {"temperature": value}) for value in TEMPERATURES),
    *(("straight_through_gumbel", {"temperature": value}) for value in TEMPERATURES),
    *(("rebar", {"temperature": value}) for value in TEMPERATURES),
)
"""Beside each estimator with its defaults (those of `measure_valued` are coupled), with the reason
for each."""

USUAL = (
    # wherever it applies it is what is used: VAEs, ADVI, soft actor–critic
    "pathwise",
    # policies and language models; it fits every problem, so that any ranking has it
    "score_function[baseline=leave_one_out]",
    # what most papers on discrete latents use
    "gumbel_softmax",
    "straight_through_gumbel",
    # quantised and binary networks
    "straight_through",
    # REINFORCE as reinforcement learning has it, and as all are compared with it
    "score_function[baseline=moving_average]",
    "score_function",
    # the unbiased ones that papers compare with: of bits, of categories, of any f
    "disarm",
    "rebar",
    "measure_valued",
    # the usual one of each kind of bound and of Bayesian layers
    "vimco",
    "dreg",
    "sticking_the_landing",
    "local_reparameterization",
)
"""Who is measured first, the most used before the others: where the time does not suffice for all,
the ranking is of those that one would have tried. The others follow as they are registered."""

SAMPLES = 64
"""The L of which a candidate is asked what an estimate costs."""

TIME_SPENT = "the time was spent"
"""Why a candidate was not measured."""

DIFFERENTIATES = "differentiates f"
"""Why an estimator is left out where the gradient of f is not to be had."""


class Candidates(NamedTuple):
    """The estimators that may be measured, and why others are not; all by their text."""

    fitting: dict[str, Estimator]
    left_out: dict[str, str]
    """Those that the problem, or who asks, does not suit, with the reason."""
    faults: dict[str, str]
    """Those that cannot even be asked, with what is wrong in their code."""


def every_candidate() -> list[Estimator]:
    """Every registered estimator with its defaults, and the variants: the most used first."""
    plain: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in ESTIMATORS]
    every = [build("estimator", ESTIMATORS, *each) for each in (*plain, *VARIANTS)]
    place = {text: number for number, text in enumerate(USUAL)}
    return sorted(every, key=lambda each: place.get(text_of(each), len(USUAL)))


def candidates_of(
    problem: Problem, chosen: Sequence[Estimator], *, grad_f: bool = True
) -> Candidates:
    """Those of the estimators that may be measured.

    Args:
        problem: whose gradient is estimated.
        chosen: estimators.
        grad_f: whether the gradient of f may be taken.

    Raises:
        BadInput: there is none.
    """
    found = Candidates({}, {}, {})
    for each in chosen:
        text = text_of(each)
        answer = refusal(each, problem)
        asked = refusal_of_samples(answer, each, problem, SAMPLES)
        reason = answer.refusal
        if not grad_f and each.differentiates_f:
            reason = reason or DIFFERENTIATES
        if fault := answer.fault or asked.fault:
            found.faults[text] = fault
        elif reason:
            found.left_out[text] = reason
        else:
            found.fitting[text] = each
    if not chosen:
        raise BadInput("estimators = []: expected at least one")
    if not found.fitting:
        reasons = dict.fromkeys([*found.faults.values(), *found.left_out.values()])
        raise BadInput("nothing to measure: " + "; ".join(reasons))
    return found


def text_of(each: Estimator) -> str:
    """An estimator as a user writes it, with the arguments that are not its defaults."""
    choice = Choice.of_instance(ESTIMATORS, each)
    usual = defaults(type(each))
    return written(choice.name, {k: v for k, v in choice.arguments if usual.get(k) != v})


def by_choice(candidates: dict[str, Estimator]) -> dict[tuple[str, str], str]:
    """The texts of estimators, by the name and the arguments that results have of them."""
    choices = {text: Choice.of_instance(ESTIMATORS, each) for text, each in candidates.items()}
    return {(choice.name, choice.json): text for text, choice in choices.items()}
