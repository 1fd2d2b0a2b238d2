"""How each estimator looks, for ever: its family has the colour, it has the marker.

Nothing depends on what else a run measured, so that a figure of one run is read like those of
another, and one estimator more recolours no paper.
"""

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any

from gradest.benchmarks.figures.spec import COLOURS, DASHES, MARKERS, Style, point
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
        "rao_blackwell": ">",
        "importance_weighted": "*",
    },
    VERMILION: {
        "pathwise": "s",
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
        "measure_valued[coupled=false]": "d",
        "stochastic_triple": "^",
        "gaussian_smoothing": "v",
        "spsa": "X",
    },
    PURPLE: {
        "rebar": "^",
        "relax": "v",
        "double_control_variate": "P",
        "rodeo": "X",
    },
    ORANGE: {
        "arm": "v",
        "disarm": "^",
        "arms": "X",
        "disarm_categorical": "P",
        "arsm": "o",
        "arsm[merge=false]": "s",
    },
    SKY: {
        "vimco": "o",
        "ovis": "s",
        "enumeration": "*",
        "sum_and_sample": "D",
        "without_replacement": "^",
        "unordered_set": "v",
        "unordered_set[with_baseline=false]": "<",
    },
    BLACK: {
        "gumbel_softmax": "o",
        "straight_through_gumbel": "s",
        "gumbel_rao": "D",
        "gapped_straight_through": "^",
        "straight_through": "v",
        "reinmax": "P",
    },
}
"""The colour of each family, and in it the marker of each estimator and of its usual variants: the
score function and what is subtracted from it; the gradient through the draw; differences and weak
derivatives; learned control variates; antithetic draws; several draws at once; relaxations."""

LOOKS = {
    name: point(marker, hue) for hue, names in FAMILIES.items() for name, marker in names.items()
}


def style_of(estimator: str, arguments: Mapping[str, Any]) -> Style:
    """The style of an estimator.

    Args:
        estimator: registered, or `module:Class`.
        arguments: those that are not its defaults.

    Returns:
        The look of its variant, where that has one; else the estimator's own, with dashes by the
        arguments. One that nobody knows here has a look by its name.
    """
    name = written(estimator, dict(arguments))
    known = LOOKS.get(name)
    if known is None:
        own = LOOKS.get(estimator) or unknown(estimator)
        dashes = DASHES[1 + number_of(name) % (len(DASHES) - 1)] if arguments else ()
        known = dataclasses.replace(own, dashes=dashes)
    return dataclasses.replace(known, edge="white")


def unknown(estimator: str) -> Style:
    """The look of an estimator of somebody's own."""
    number = number_of(estimator)
    markers = list(MARKERS)
    color = COLOURS[number % len(COLOURS)]
    return point(markers[number // len(COLOURS) % len(markers)], color)


def number_of(text: str) -> int:
    """A number that is the same for a text on every machine."""
    return zlib.crc32(text.encode("utf-8"))
