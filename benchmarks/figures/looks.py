"""How each estimator looks, for ever: its family has colour and dashes, it has the marker.

Nothing depends on what else a run measured, so that a figure of one run is read like those of
another, and one estimator more recolours no paper.
"""

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any

from gradest.benchmarks.analysis.labels import noteworthy
from gradest.benchmarks.figures.spec import COLOURS, DASHES, Style, point
from gradest.estimators import ESTIMATORS
from gradest.problems.registry.naming import written

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK = COLOURS

FAMILIES: dict[str, dict[str, str]] = {
    BLUE: {
        "score_function": "o",
        "score_function[baseline=mean]": "s",
        "score_function[baseline=moving_average]": "D",
        "score_function[baseline=leave_one_out]": "^",
        "score_function[baseline=optimal]": "v",
        "score_function[baseline=input_dependent]": "X",
        "score_function[control_variate=delta]": "P",
        "score_function[control_variate=first_order]": "<",
        "score_function[coupling=antithetic]": ">",
        "score_function[coupling=sobol]": "d",
        "rao_blackwell": "*",
        "importance_weighted": "p",
    },
    VERMILION: {
        "pathwise": "s",
        "pathwise[coupling=antithetic]": "o",
        "pathwise[coupling=sobol]": "d",
        "generalized_reparameterization": "D",
        "rejection_reparameterization": "^",
        "lax": "v",
        "sticking_the_landing": "X",
        "dreg": "P",
        "local_reparameterization": "<",
        "flipout": ">",
    },
    GREEN: {
        "measure_valued": "D",
        "measure_valued[coupled=False]": "d",
        "stochastic_triple": "^",
        "stochastic_triple[side=left]": "<",
        "stochastic_triple[side=both]": "P",
        "stochastic_triple[pruned=False]": "o",
        "gaussian_smoothing": "v",
        "spsa": "X",
    },
    PURPLE: {
        "rebar": "^",
        "rebar[coupled=True]": "<",
        "rebar[learned=True]": "D",
        "relax": "v",
        "relax[coupled=True]": ">",
        "relax[relaxed_f=False]": "d",
        "double_control_variate": "P",
        "double_control_variate[learned=False]": "s",
        "rodeo": "X",
    },
    ORANGE: {
        "arm": "v",
        "disarm": "^",
        "arms": "X",
        "arms[copula=gaussian]": "D",
        "disarm_categorical": "P",
        "disarm_categorical[tree=balanced]": "<",
        "arsm": "o",
        "arsm[merge=False]": "s",
    },
    SKY: {
        "vimco": "o",
        "vimco[mean=arithmetic]": "d",
        "ovis": "s",
        "ovis[control_variate=monte_carlo]": "X",
        "enumeration": "*",
        "sum_and_sample": "D",
        "sum_and_sample[baseline=sample]": "P",
        "without_replacement": "^",
        "without_replacement[with_baseline=False]": ">",
        "unordered_set": "v",
        "unordered_set[with_baseline=False]": "<",
    },
    BLACK: {
        "gumbel_softmax": "o",
        "straight_through_gumbel": "s",
        "gumbel_rao": "D",
        "gapped_straight_through": "^",
        "straight_through": "v",
        "straight_through[smoothed=left]": "<",
        "straight_through[smoothed=right]": ">",
        "straight_through[smoothed=both]": "d",
        "reinmax": "P",
    },
}
"""The colour of each family, and in it the marker of each estimator and of its usual variants: the
score function and what is subtracted from it; the gradient through the draw; differences and weak
derivatives; learned control variates; antithetic draws; several draws at once; relaxations."""

FAMILY_DASHES: dict[str, tuple[float, ...]] = {
    BLUE: (),
    VERMILION: DASHES[6],
    GREEN: DASHES[1],
    PURPLE: DASHES[3],
    ORANGE: (),
    SKY: DASHES[2],
    BLACK: (),
}
"""Of the lines of each family: colours that are alike in grey have other dashes."""

LOOKS = {
    name: dataclasses.replace(point(marker, hue), edge="white", dashes=FAMILY_DASHES[hue])
    for hue, names in FAMILIES.items()
    for name, marker in names.items()
}

DASHED = {
    "score_function[baseline=sample]": DASHES[3],
    "score_function[coupling=stratified]": DASHES[4],
    "score_function[coupling=systematic]": DASHES[5],
}
"""Variants for which their family has no marker left: that of their estimator, with dashes."""

LOOKS |= {
    name: dataclasses.replace(LOOKS[name.partition("[")[0]], dashes=dashes)
    for name, dashes in DASHED.items()
}

STRANGERS = ("h", "8")
"""The markers of estimators that are not registered, which no registered one has."""


def style_of(estimator: str, arguments: Mapping[str, Any]) -> Style:
    """The style of an estimator.

    Args:
        estimator: registered, or `module:Class`.
        arguments: those that are not its defaults.

    Returns:
        The look of its variant, where that has one; else the estimator's own, with dashes by the
        arguments. One that nobody knows here has a look by its name.
    """
    name = written(estimator, dict(sorted(arguments.items())))
    if name in LOOKS:
        return LOOKS[name]
    own = LOOKS.get(estimator) or stranger(estimator)
    return dataclasses.replace(own, dashes=dashes_of(name, own.dashes)) if arguments else own


def look_of(estimator: str, args_json: str) -> Style:
    """The style of an estimator with all its arguments, as a run's tables have them."""
    return style_of(estimator, noteworthy(ESTIMATORS.get(estimator), args_json))


def stranger(name: str) -> Style:
    """The look of an estimator of somebody's own."""
    rest, color = divmod(number_of(name), len(COLOURS))
    rest, marker = divmod(rest, len(STRANGERS))
    style = point(STRANGERS[marker], COLOURS[color])
    return dataclasses.replace(style, edge="white", dashes=DASHES[1 + rest % (len(DASHES) - 1)])


def dashes_of(text: str, others: tuple[float, ...]) -> tuple[float, ...]:
    """Dashes by a text, never none and never those others."""
    known = [dashes for dashes in DASHES[1:] if dashes != others]
    return known[number_of(text) % len(known)]


def number_of(text: str) -> int:
    """A number that is the same for a text on every machine."""
    return zlib.crc32(text.encode("utf-8"))
