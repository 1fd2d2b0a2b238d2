"""What the page knows of a run: its places, estimators and rows as columns, and their ratios.

All is plain JSON. A column is a list, which takes a third of what a record for each row would.
Numbers have five digits, more than any interval warrants, and errors nine; None stands for what is
not a number.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import (
    estimator_label,
    noteworthy,
    place_label,
    short_label,
)
from gradest.benchmarks.analysis.results import ESTIMATOR, LEFT_OUT, PLACE, Run
from gradest.benchmarks.comparisons.budgets import COSTS, EVALUATIONS, has_prices
from gradest.benchmarks.comparisons.leaderboard import is_biased, relative_error
from gradest.benchmarks.comparisons.levels import Levels
from gradest.benchmarks.comparisons.pairing import changed_lines
from gradest.benchmarks.figures.looks import BLACK, FAMILIES, number_of, style_of
from gradest.benchmarks.figures.spec import DASHES
from gradest.benchmarks.minus import print_minus
from gradest.benchmarks.page.curves import SHAPES, specs
from gradest.benchmarks.page.ratios import ratios_at
from gradest.benchmarks.page.recipes import (
    command,
    header,
    sweep_text,
    table_text,
)
from gradest.benchmarks.page.swept import swept_estimators, swept_problems
from gradest.benchmarks.paper.methods import methods, name_of
from gradest.benchmarks.paper.references import papers_of
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from gradest.problems.registry.naming import written

DIGITS = 5
RANKED_DIGITS = 9
"""Of errors, so that the page ranks as the leaderboard does."""

FAMILY_NAMES = dict(
    zip(
        FAMILIES,
        (
            "score function",
            "path",
            "differences and weak derivatives",
            "learned control variates",
            "antithetic draws",
            "several draws at once",
            "relaxations",
        ),
        strict=True,
    )
)
"""What the estimators of one colour have in common."""

OWN = "gradest:OwnProblem"
"""Under which results name a problem that was made of functions."""

NUMBERS = {
    "variance": ("variance", "variance_low", "variance_high"),
    "bias": ("bias_relative", "bias_relative_low", "bias_relative_high"),
    "snr": ("snr", "snr_low", "snr_high"),
}
"""What curves show beside the error: the columns of each and of its interval."""

Columns = dict[str, list[Any]]


def contents(run: Run, health: Sequence[str], levels: Levels) -> dict[str, Any]:
    """Everything that the page shows of a run.

    Args:
        run: a finished one.
        health: what is to be said of it, a line each.
        levels: its rows by the rule of equal cost.
    """
    shown = priced(levels)
    rows = shown.rows
    places = [*dict.fromkeys(rows[PLACE].itertuples(index=False, name=None))]
    estimators = [*dict.fromkeys(rows[ESTIMATOR].itertuples(index=False, name=None))]
    return {
        "name": name_of(run),
        "lacks": lacks(run),
        "places": place_columns(places),
        "estimators": estimator_columns(estimators),
        "costs": [
            {"name": name, "label": model.short, "note": model.note or model.short}
            for name, model in COSTS.items()
            if name in rows
        ],
        "rows": row_columns(rows, places, estimators),
        "beyond": level_columns(shown.beyond, places, estimators),
        "ratios": ratio_columns(rows),
        "refusals": refusals(run.measurements, places, estimators),
        "swept": {"problem": swept_problems(places), "estimator": swept_estimators(estimators)},
        "specs": specs(),
        "papers": papers_of(estimators, places),
        "methods": methods(run),
        "header": header(run),
        "sweep": sweep_text(run),
        "command": command(run),
        "health": list(map(print_minus, health)),
    }


def lacks(run: Run) -> list[str]:
    """What the run's folder has not, and what is not shown for that; what was changed in it."""
    lines = list(changed_lines((run, name_of(run))))
    if run.manifest is None:
        lines.append(
            "manifest.json is not there: nothing vouches for the numbers, and hardware, versions "
            "and the sweep are unknown."
        )
    if not run.jackknifed:
        lines.append(f"{LEFT_OUT} is not there: ratios are not paired, and ties are wider.")
    return lines


def priced(levels: Levels) -> Levels:
    """The rows by the rule of equal cost, with their prices: in each part the smallest L first.

    Rows that were added are those that cost no more than the dearest measured one: the page asks
    for no larger budget.
    """
    measured = levels.measured
    known = [name for name in COSTS if name == EVALUATIONS or has_prices(measured, name)]
    most = {name: prices_of(measured, name).max() for name in known}
    return Levels(*(with_prices(part, most) for part in levels))


def with_prices(rows: pd.DataFrame, most: Mapping[str, float]) -> pd.DataFrame:
    """The rows with `biased` and their prices, the smallest L first.

    Args:
        rows: measured and added ones.
        most: the largest price that is asked for, by the name of the model.
    """
    rows = rows.assign(biased=is_biased(rows), **{name: prices_of(rows, name) for name in most})
    rows = rows[(rows[[*most]] <= pd.Series(most)).any(axis=1)]
    # a stable sort leaves places and estimators in the run's order
    return rows.sort_values("num_samples", kind="stable").reset_index(drop=True)


def prices_of(rows: pd.DataFrame, cost: str) -> pd.Series:
    """What each row costs by a model, as the page writes it: evaluations are whole."""
    prices = COSTS[cost].prices(rows)
    if cost == EVALUATIONS:
        return prices.fillna(0).astype(int)
    return pd.Series(rounded(prices), index=rows.index, dtype=float)


def place_columns(places: Sequence[tuple]) -> Columns:
    """The places in words, and the sweep's lines that name their problems."""
    return {
        "label": [
            print_minus(place_label(*place)).replace(OWN, "own objective") for place in places
        ],
        "toml": [
            None
            if name == OWN
            else table_text("problem", name, noteworthy(PROBLEMS.get(name), args))
            for name, args, *_ in places
        ],
    }


def estimator_columns(estimators: Sequence[tuple[str, str]]) -> Columns:
    """The estimators in words, their looks, and the sweep's lines that name them."""
    arguments = [noteworthy(ESTIMATORS.get(name), args) for name, args in estimators]
    names = [name for name, _ in estimators]
    written_names = [written(*each) for each in zip(names, arguments, strict=True)]
    styles = [style_of(name, args) for name, args in zip(names, arguments, strict=True)]
    return {
        "name": [short_label(*each) for each in estimators],
        "label": [print_minus(estimator_label(*each)) for each in estimators],
        "color": [style.color for style in styles],
        "shape": [SHAPES.get(style.marker, "circle") for style in styles],
        "dash": [
            dash_of(style.color, name) for style, name in zip(styles, written_names, strict=True)
        ],
        "family": [FAMILY_NAMES.get(style.color, FAMILY_NAMES[BLACK]) for style in styles],
        "toml": [
            table_text("estimator", name, args) for name, args in zip(names, arguments, strict=True)
        ],
    }


def dash_of(color: str, name: str) -> list[float]:
    """The dashes of an estimator where lines have no markers: by its place in its family."""
    family = list(FAMILIES.get(color, {}))
    number = family.index(name) if name in family else number_of(name)
    return [2 * length for length in DASHES[number % len(DASHES)]]


def row_columns(
    rows: pd.DataFrame, places: Sequence[tuple], estimators: Sequence[tuple]
) -> Columns:
    """The rows' numbers, each row with the numbers of its place and of its estimator."""
    errors = [relative_error(row) for row in rows.itertuples()]
    columns: Columns = {
        **level_columns(rows, places, estimators),
        "measured": [None if math.isnan(value) else int(value) for value in rows.measured_samples],
        "replicates": [int(value) for value in rows.replicates],
        "norm": rounded(rows.exact_norm),
        "biased": [bool(value) for value in rows.biased],
        "found": [value if isinstance(value, str) else None for value in rows.bias_finding],
        "unreliable": [value == "unreliable" for value in rows.status],
    }
    for number, end in enumerate(("", "_low", "_high")):
        columns[f"error{end}"] = rounded((error[number] for error in errors), RANKED_DIGITS)
        for name, names in NUMBERS.items():
            columns[f"{name}{end}"] = rounded(rows[names[number]])
    return columns


def level_columns(
    rows: pd.DataFrame, places: Sequence[tuple], estimators: Sequence[tuple]
) -> Columns:
    """Each row's place, estimator, L and prices."""
    return {
        "place": numbered(rows[PLACE], places),
        "estimator": numbered(rows[ESTIMATOR], estimators),
        "samples": [int(value) for value in rows.num_samples],
        **{name: rows[name].tolist() for name in COSTS if name in rows},
    }


def numbered(keys: pd.DataFrame, known: Sequence[tuple]) -> list[int]:
    """The number of each key among those that are known."""
    numbers = {key: number for number, key in enumerate(known)}
    return [numbers[key] for key in keys.itertuples(index=False, name=None)]


def ratio_columns(rows: pd.DataFrame) -> Columns:
    """The ratios of errors of rows that some budget pays for together."""
    columns: Columns = {name: [] for name in ("row", "over", "low", "high")}
    by_place: dict[tuple, list[Any]] = {}
    for row in rows.itertuples():
        place = (row.problem, row.problem_args, row.point, row.group)
        by_place.setdefault(place, []).append(row)
    costs = [name for name in COSTS if name in rows]
    for place_rows in by_place.values():
        for number, other, ratio in ratios_at(place_rows, costs):
            columns["row"].append(number)
            columns["over"].append(other)
            # the ratio itself is that of two errors of the rows
            for name, value in zip(("low", "high"), rounded(ratio[1:]), strict=True):
                columns[name].append(value)
    return columns


def refusals(
    measurements: pd.DataFrame, places: Sequence[tuple], estimators: Sequence[tuple]
) -> list[tuple[int, int, str]]:
    """The estimator, the place and the reason, where it was not measured there."""
    without = measurements[measurements.status.isin(["skipped", "failed"])]
    reasons: dict[tuple, str] = {}
    for row in without.itertuples():
        key = (row.estimator, row.estimator_args, row.problem, row.problem_args, row.point)
        reasons.setdefault(key, f"{row.status}: {row.reason}")
    found = [
        (number, place, reasons.get((*estimator, *where[:3])))
        for number, estimator in enumerate(estimators)
        for place, where in enumerate(places)
    ]
    return [(number, place, reason) for number, place, reason in found if reason]


def rounded(values: Iterable[Any], digits: int = DIGITS) -> list[float | None]:
    """Numbers with so many digits; None for one that is not finite."""
    return [as_rounded(float(value), digits) for value in values]


def as_rounded(value: float, digits: int) -> float | None:
    """A number with so many digits; None where it is not finite."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
