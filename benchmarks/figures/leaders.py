"""The first figures of a run: who is best at equal cost, at each place and over all of them."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gradest.benchmarks.analysis.labels import INTERVALS
from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.answers import at_equal_cost
from gradest.benchmarks.comparisons.leaderboard import ALL, AMONG, UNBIASED, Board
from gradest.benchmarks.comparisons.levels import BUDGET, RULE
from gradest.benchmarks.figures.arguments import LEAST_SWEPT, is_number
from gradest.benchmarks.figures.bundles import MOST_LINES, NEAR, equal_entries, short_name
from gradest.benchmarks.figures.lines import log_axis
from gradest.benchmarks.figures.looks import look_of
from gradest.benchmarks.figures.profiles import Overall, overall
from gradest.benchmarks.figures.spec import (
    HATCHED,
    Axis,
    Entry,
    FigureSpec,
    Panel,
    Series,
    hollow,
    numbers,
    point,
)

RELATIVE_RMSE = "relative_rmse"
PROFILE = "performance_profile"
"""The names of the figures."""

MOST_PLACES, MOST_ROWS = 12, 220
"""Places with a panel of their own, and the rows of all of them together."""

COLUMNS = 4

SPREAD = 1.1
"""A place has a panel where the worst error is so many times the best."""

LEAST_PLACES = 3
"""From which on shares of them are drawn."""

FARTHEST = 100.0
"""The largest factor on the axis of a performance profile."""


class Leaders(NamedTuple):
    """The estimators of a run at equal cost."""

    board: pd.DataFrame
    """A leaderboard, at each place of as many evaluations as the largest L."""
    exact: pd.DataFrame
    """The rows without any error, which no logarithmic axis has."""
    labels: dict[tuple[str, str], str]
    """The estimators in words."""
    over_all: list[Overall]
    of_unbiased: list[Overall]


def leaders(table: pd.DataFrame, boards: Sequence[Board]) -> Leaders | None:
    """The estimators of a run at equal cost; None where there are not two anywhere.

    Args:
        table: its measurements, labelled.
        boards: its leaderboards.
    """
    ranked = {among: rows_at_equal_cost(boards, among) for among in AMONG}
    exact = ranked[ALL].relative_rmse == 0
    board = ranked[ALL][~exact]
    if board.empty or board.groupby(PLACE).size().max() < 2:
        return None
    estimators = zip(table.estimator, table.estimator_args, strict=True)
    labels = dict(zip(estimators, table.label, strict=True))
    return Leaders(
        board,
        ranked[ALL][exact],
        labels,
        overall(ranked[ALL]),
        overall(ranked[UNBIASED]) if len(ranked[UNBIASED]) else [],
    )


def rows_at_equal_cost(boards: Sequence[Board], among: str) -> pd.DataFrame:
    """The rows of all places' leaderboards at the largest of their budgets."""
    parts = [board.rows for board in at_equal_cost(boards, among)]
    return pd.concat(parts, ignore_index=True)


def leading_figures(
    table: pd.DataFrame, names: Mapping[Place, str], boards: Sequence[Board]
) -> Iterator[FigureSpec]:
    """The dots of all places and the performance profile, where there is something to compare.

    Args:
        table: a run's measurements, labelled.
        names: of the places.
        boards: the run's leaderboards.
    """
    found = leaders(table, boards) if boards else None
    if found is None:
        return
    dots = dot_plot(found, names)
    if dots:
        yield dots
    shares = profile(found)
    if shares:
        yield shares


def dot_plot(found: Leaders, names_of: Mapping[Place, str]) -> FigureSpec | None:
    """The relative root mean square error of each estimator at each place."""
    names = tuple(found.labels[each.estimator, each.estimator_args] for each in found.over_all)
    estimators = found.board[ESTIMATOR].itertuples(index=False, name=None)
    board = found.board.assign(name=[found.labels[each] for each in estimators])
    places = dict(list(board.groupby(PLACE, sort=False)))
    spread = {place: spread_of(rows) for place, rows in places.items()}
    telling = sorted((p for p in places if spread[p] >= SPREAD), key=lambda p: -spread[p])
    most = min(MOST_PLACES, max(1, MOST_ROWS // len(names) // COLUMNS) * COLUMNS)
    shown = [place for place in places if place in telling[:most]]
    if not shown:
        return None
    with_dots = {name for place in shown for name in places[place].name}
    y = Axis(scale="rows", names=tuple(name for name in names if name in with_dots))
    panels = tuple(dots_of(names_of[place], places[place], y) for place in shown)
    key = [Entry(HATCHED, "biased, in theory or as it was found")]
    if (board.status == "unreliable").any():
        key.append(Entry(hollow(point("o", "0.3")), "unreliable (hollow)"))
    notes = [
        "Relative RMSE: √(tr Cov(g) + ‖bias‖²)/‖∇‖ of one estimate, at equal cost: "
        f"{BUDGET}. {RULE} From the top: who is within twice the best at "
        f"most places. Bars: {INTERVALS}.",
        *exact_notes(found, names_of),
        *rowless_notes([name for name in dict.fromkeys(board.name) if name not in with_dots]),
        *absent_notes(
            [names_of[p] for p in places if spread[p] < SPREAD], "no estimator stands out"
        ),
        *absent_notes(
            [names_of[p] for p in telling[most:]], "others differ more (see leaderboard.csv)"
        ),
    ]
    return FigureSpec(
        RELATIVE_RMSE,
        "Relative root mean square error at equal cost",
        panels,
        columns=min(COLUMNS, len(panels)),
        key=(tuple(key),),
        notes=tuple(notes),
    )


def spread_of(rows: pd.DataFrame) -> float:
    """How many times the best error of a place the worst one is."""
    return float(rows.relative_rmse.max() / rows.relative_rmse.min())


def absent_notes(names: Sequence[str], why: str) -> list[str]:
    """A sentence on places without a panel."""
    return [f"No panel, as {why}: {'; '.join(names)}."] if names else []


def rowless_notes(names: Sequence[str]) -> list[str]:
    """A sentence on estimators that no panel shows."""
    return [f"No row, as they have no dot in these panels: {'; '.join(names)}."] if names else []


def exact_notes(found: Leaders, names_of: Mapping[Place, str]) -> list[str]:
    """A sentence on who has no error, and where."""
    texts = []
    for estimator, rows in found.exact.groupby(ESTIMATOR):
        where = [names_of[place] for place in rows[PLACE].itertuples(index=False, name=None)]
        texts.append(f"{found.labels[estimator]} ({'; '.join(where)})")
    return [f"Exact, so without a dot: {'; '.join(texts)}."] if texts else []


def dots_of(title: str, rows: pd.DataFrame, y: Axis) -> Panel:
    """The errors at one place."""
    series = tuple(
        Series(
            str(row.name),
            row.estimator,
            look_of(row.estimator, row.estimator_args),
            x=(float(row.num_samples),),
            value=numbers([row.relative_rmse]),
            low=numbers([row.relative_rmse_low]),
            high=numbers([row.relative_rmse_high]),
            exact=(None,),
            status=(row.status,),
            biased=(bool(row.biased),),
        )
        for row in rows.rename(columns={"rank": "position"}).itertuples(index=False)
    )
    x = log_axis("relative RMSE", rows.relative_rmse)
    return Panel(title, title, x, y, series, hatched=True)


def profile(found: Leaders) -> FigureSpec | None:
    """The share of places within a factor of the best: of all estimators, and of the unbiased."""
    among = {"all": found.over_all, "unbiased only": found.of_unbiased}
    panels = [
        profile_panel(title, best_variants(parts), found)
        for title, parts in among.items()
        if len(best_variants(parts)) > 1 and len(parts[0].factors) >= LEAST_PLACES
    ]
    if not panels:
        return None
    panels = without_repeat(panels)
    places = len(found.over_all[0].factors)
    notes = [
        "Performance profile (Dolan and Moré, 2002): the share of places at which an estimator's "
        "relative RMSE at equal cost is at most c times the best one's there. Where it cannot be "
        "measured, or another is exact, it is never near. "
        f"{places} places; at most {MOST_LINES} "
        "estimators, those most often within twice the best.",
        *variant_notes([parts for parts in among.values() if parts]),
        *(f"Not drawn ({panel.name}): {'; '.join(left)}." for panel, left in panels if left),
    ]
    return FigureSpec(
        PROFILE,
        "Share of places within a factor of the best, at equal cost",
        tuple(panel for panel, _ in panels),
        columns=len(panels),
        key=(equal_entries([panel for panel, _ in panels]),),
        notes=tuple(notes),
    )


def without_repeat(panels: Sequence[tuple[Panel, list[str]]]) -> list[tuple[Panel, list[str]]]:
    """The panels with those left out; where two show the same, the first stands for both."""
    (first, left), *others = panels
    if not any(first.series == panel.series for panel, _ in others):
        return list(panels)
    return [(dataclasses.replace(first, title="all, and the same of the unbiased only"), left)]


def best_variants(parts: Sequence[Overall]) -> list[Overall]:
    """Of variants of an estimator that differ in numbers, if there are many, the first alone."""
    families: dict[tuple[str, str], list[Overall]] = {}
    for part in parts:
        families.setdefault((part.estimator, but_numbers(part.estimator_args)), []).append(part)
    swept = [family for family in families.values() if len(family) >= LEAST_SWEPT]
    left = [part for family in swept for part in family[1:]]
    return [part for part in parts if not any(part is each for each in left)]


def but_numbers(args_json: str) -> str:
    """Arguments as JSON, less those that are numbers."""
    arguments = json.loads(args_json)
    return json.dumps({key: each for key, each in arguments.items() if not is_number(each)})


def variant_notes(among: Sequence[Sequence[Overall]]) -> list[str]:
    """A sentence on swept estimators, where there are any."""
    if all(len(best_variants(parts)) == len(parts) for parts in among):
        return []
    return ["Of an estimator with many values of a number, the best of them alone."]


def profile_panel(title: str, parts: Sequence[Overall], found: Leaders) -> tuple[Panel, list[str]]:
    """The steps of those most often near the best, and the names of the others."""
    bundles: list[list[Overall]] = []
    for part in parts:
        near = next((each for each in bundles if are_alike(each[0], part)), None)
        if near is None:
            bundles.append([part])
        else:
            near.append(part)
    drawn, left = bundles[:MOST_LINES], bundles[MOST_LINES:]
    finite = [factor for each in drawn for factor in each[0].factors if factor <= FARTHEST]
    far = max(2.0, *finite) * 1.15
    series = tuple(steps_of(each, far, found) for each in drawn)
    x = Axis("factor c of the best relative RMSE", scale="log", limits=(0.97, far))
    y = Axis("share of places", limits=(-0.03, 1.03))
    names = [found.labels[part.estimator, part.estimator_args] for each in left for part in each]
    return Panel(title, title, x, y, series), names


def are_alike(one: Overall, other: Overall) -> bool:
    """Whether their factors are as good as equal at every place."""
    return bool(np.allclose(one.factors, other.factors, rtol=NEAR, atol=0))


def steps_of(bundle: Sequence[Overall], far: float, found: Leaders) -> Series:
    """The share of places as a function of the factor, from 1 up to the end of the axis."""
    first = bundle[0]
    names = tuple(found.labels[each.estimator, each.estimator_args] for each in bundle)
    inner = sorted({float(factor) for factor in first.factors if 1 < factor < far})
    x = (1.0, *inner, far)
    none = (None,) * len(x)
    return Series(
        short_name(names),
        first.estimator,
        look_of(first.estimator, first.estimator_args),
        x=x,
        value=tuple(first.share(factor) for factor in x),
        low=none,
        high=none,
        exact=none,
        status=("ok",) * len(x),
        members=names if len(names) > 1 else (),
        steps=True,
    )
