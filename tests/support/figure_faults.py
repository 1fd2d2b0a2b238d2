"""What a reviewer would not pass in figures of lines, looked for in their specs."""

import itertools

from matplotlib.colors import to_rgb

from gradest.benchmarks.figures.bundles import MOST_LINES, are_equal
from gradest.benchmarks.figures.looks import look_of

LEAST_GREYS = 0.15
"""By how much greys from 0 to 1 differ that are told apart on paper."""


def grey_of(style):
    """How bright a colour is where there is none, by the weights of Rec. 601."""
    return sum(w * part for w, part in zip((0.299, 0.587, 0.114), to_rgb(style.color), strict=True))


def are_alike_in_grey(one, other):
    """Whether two lines cannot be told apart on a printer without colours."""
    shapes = [(style.marker, style.dashes) for style in (one, other)]
    return shapes[0] == shapes[1] and abs(grey_of(one) - grey_of(other)) < LEAST_GREYS


def grey_faults(panel):
    """Each pair of a panel's lines that are alike in grey, in words."""
    return [
        f"{panel.name}: {one.label} and {other.label} are alike in grey"
        for one, other in itertools.combinations(panel.series, 2)
        if are_alike_in_grey(one.style, other.style)
    ]


def faults(spec, measurements):
    """Each fault in words.

    Args:
        spec: a figure of lines.
        measurements: what it was made of, labelled.
    """
    looks = {
        row.label: look_of(row.estimator, row.estimator_args) for row in measurements.itertuples()
    }
    found = []
    for panel in spec.panels:
        if len(panel.series) > MOST_LINES:
            found.append(f"{panel.name}: {len(panel.series)} lines")
        for one, other in itertools.combinations(panel.series, 2):
            if are_equal(one, other) or are_equal(other, one):
                found.append(f"{panel.name}: {one.label} and {other.label} are equal")
        found += grey_faults(panel)
        for series in panel.series:
            ends = zip(series.value, series.low, series.high, strict=True)
            if any(value is not None and None in (low, high) for value, low, high in ends):
                found.append(f"{panel.name}: {series.label} has no interval")
            name = series.members[0] if series.members else series.label
            if series.style != looks[name]:
                found.append(f"{panel.name}: {series.label} has another look")
    return found
