"""What a reviewer would not pass in figures of lines, looked for in their specs."""

import itertools

from gradest.benchmarks.figures.bundles import MOST_LINES, are_equal
from gradest.benchmarks.figures.looks import look_of


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
        for series in panel.series:
            ends = zip(series.value, series.low, series.high, strict=True)
            if any(value is not None and None in (low, high) for value, low, high in ends):
                found.append(f"{panel.name}: {series.label} has no interval")
            name = series.members[0] if series.members else series.label
            if series.style != looks[name]:
                found.append(f"{panel.name}: {series.label} has another look")
    return found
