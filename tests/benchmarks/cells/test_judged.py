"""What only the whole run says of a row."""

import numpy as np
import pandas as pd

from gradest.benchmarks.cells.judged import judged
from gradest.benchmarks.folders.columns import COLUMNS


def test_findings_are_of_the_whole_sweep():
    """By hand: of 4 p-values the k-th smallest is held against k/4 · 5 %."""
    table = pd.DataFrame(
        {
            "bias_p": [0.03, 0.001, 0.9, 0.04, np.nan],
            "equivalence_p": [1.0, 0.01, 0.01, 0.2, np.nan],
        }
    )
    table = table.reindex(columns=[*COLUMNS]).assign(unbiased=True, status="ok")
    found = judged(table)
    np.testing.assert_allclose(found.bias_q, [0.04 * 4 / 3, 0.004, 0.9, 0.04 * 4 / 3, np.nan])
    assert list(found.bias_finding[:4]) == ["none found", "biased", "equivalent", "none found"]
    assert found.bias_finding.isna().iloc[4]


def test_those_that_say_they_are_biased_do_not_lower_the_bar_for_the_others():
    """One p-value of 0.04 among nine that claim no bias, beside 90 that are biased and say so."""
    p = [0.04, *np.linspace(0.2, 0.9, 8), *[1e-9] * 90]
    table = pd.DataFrame({"bias_p": p, "equivalence_p": 1.0, "unbiased": [True] * 9 + [False] * 90})
    table = table.reindex(columns=[*COLUMNS]).assign(status="ok")
    found = judged(table).bias_finding
    assert list(found) == ["none found"] * 9 + ["biased"] * 90


def test_nothing_is_found_of_unreliable_rows():
    """They are none of those among which the others are judged either."""
    table = pd.DataFrame({"bias_p": [1e-9, 0.04], "status": ["unreliable", "ok"]})
    table = table.assign(unbiased=True, equivalence_p=1.0)
    found = judged(table.reindex(columns=[*COLUMNS]))
    assert list(found.bias_finding) == [None, "biased"]
    np.testing.assert_allclose(found.bias_q, [np.nan, 0.04])
