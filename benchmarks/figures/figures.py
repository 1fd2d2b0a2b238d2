"""Figures for print, drawn from the measurements alone: no problem, estimator, argument or group is known by name."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.sparse.csgraph import connected_components

from gradest.benchmarks.analysis.labels import INTERVALS, problem_label, slug, without, words
from gradest.benchmarks.analysis.results import called_zero, labelled, slope_of
from gradest.benchmarks.figures.layout import (
    DIAGONAL,
    EDGE,
    EXACT,
    STAR,
    Entry,
    Look,
    Panel,
    lay_out_list,
    lay_out_notes,
    lay_out_table,
    looks_of,
    next_line,
    page,
    panels_of,
    point,
    print_minus,
    text_width,
    width_of,
)


def scale_log(axes: Axes, name: str, values: pd.Series) -> None:
    """Makes the x or y axis logarithmic round the values, with at least two labelled ticks."""
    low, high = float(values.min()), float(values.max())
    pad = math.exp(0.06 * math.log(high / low) + 0.08)
    low, high = low / pad, high * pad
    axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
    set_ticks(axes, name, log_ticks(low, high))


def set_ticks(axes: Axes, name: str, ticks: list[float]) -> None:
    """These ticks on the x or y axis, each with its number, and no others."""
    sizes = [abs(tick) for tick in ticks if tick] or [1.0]
    plain = min(sizes) >= 1e-3 and max(sizes) < 1e4
    axis = getattr(axes, f"{name}axis")
    axis.set_ticks(
        ticks, labels=[print_minus(f"{tick:.4g}") if plain else power_text(tick) for tick in ticks]
    )
    axis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between `low` and `high`: powers of ten where there are three, else multiples of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        ticks = [m * 10.0**p for p in powers for m in multiples if low <= m * 10.0**p <= high]
        if len(ticks) >= 3:
            return ticks[:: math.ceil(len(ticks) / most)]
    return linear_ticks(low, high)


def linear_ticks(low: float, high: float) -> list[float]:
    """Evenly spaced round numbers between `low` and `high`."""
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [round(float(tick), 9) for tick in ticks if low <= tick <= high]


def power_text(value: float) -> str:
    """A number with its power of ten, for mathtext."""
    factor, power = f"{value:.2e}".split("e")
    factor = f"{float(factor):g}"
    times = {"1": "", "-1": "-"}.get(factor, rf"{factor}\times")
    return rf"${times}10^{{{int(power)}}}$" if value else "0"


def draw_lines(
    axes: Axes,
    rows: pd.DataFrame,
    x: str,
    looks: Mapping[str, Look],
    shift: Mapping[str, float],
    y: str = "variance",
) -> None:
    """Each estimator's `y` against the column `x`: exact where known, interval, line, hollow where
    unreliable.

    A label's `shift` is added to ln x. Where a variance is zero the line is broken, and where an
    estimate is not positive; an interval that reaches 0 is drawn to the foot of the axes.
    """
    for label, look in looks.items():
        line = rows[rows.label == label].sort_values("num_samples" if x == "seconds" else x)
        at = line[x].to_numpy(float) * math.exp(shift.get(label, 0))
        value, high, exact = (
            line[column].where(drawable(line, y) & (line[column] > 0)).to_numpy(float)
            for column in (y, f"{y}_high", f"exact_{y}")
        )
        low = line[f"{y}_low"].clip(lower=np.finfo(float).tiny).to_numpy(float)
        doubtful = (line.status == "unreliable").to_numpy()
        axes.plot(at, exact, **EXACT, zorder=2)
        axes.fill_between(at, low, high, color=look["color"], alpha=0.2, linewidth=0)
        axes.plot(at, value, **look, zorder=3)
        axes.plot(at[doubtful], value[doubtful], **hollow(look), zorder=4)
    shown = rows[y]
    if y == "bias_squared":  # where it is lost in noise, how large it may be is all that is known
        shown = pd.concat([shown, rows[f"{y}_high"]])
    if (shown := shown[(shown > 0) & drawable(rows, y).loc[shown.index]]).any():
        scale_log(axes, "y", shown)


def drawable(rows: pd.DataFrame, y: str) -> pd.Series:
    """Which rows have a number: without variance there is none but the bias."""
    return ~rows.zero | (y == "bias_squared")


def shifts_apart(rows: pd.DataFrame, gap: float) -> dict[str, float]:
    """How far to shift, in ln L, the estimators whose points would hide each other; `gap` is that between two Ls."""
    logs = np.log(
        rows[~rows.zero].pivot_table(index="label", columns="num_samples", values="variance")
    )
    if logs.empty:
        return {}
    values = logs.to_numpy()
    near = 0.025 * (np.nanmax(values) - np.nanmin(values))
    count, member = connected_components((np.abs(values[:, None] - values) <= near).any(2))
    shifts: dict[str, float] = {}
    for cluster in range(count):
        labels = logs.index[member == cluster]
        step = gap * min(0.06, 0.4 / len(labels))
        shifts |= {label: step * (i - (len(labels) - 1) / 2) for i, label in enumerate(labels)}
    return shifts


def hollow(look: Look) -> Look:
    """The marker alone, empty."""
    return look | {
        "linestyle": "none",
        "markerfacecolor": "white",
        "markeredgecolor": look["color"],
    }


def other_entries(rows: pd.DataFrame) -> list[Entry]:
    """What the key has to say beside the estimators."""
    drawn = rows[~rows.zero]
    entries = [Entry(EXACT, "exact")] if (drawn.exact_variance > 0).any() else []
    if (drawn.status == "unreliable").any():
        entries.append(Entry(hollow(point("o", "0.3")), "unreliable (hollow)"))
    return entries


def zero_notes(panels: list[Panel], x: str = "num_samples", name: str = "L") -> list[str]:
    """Which estimators' variances are zero, and so are not on logarithmic axes."""
    where: dict[str, list[str]] = {}
    for panel in panels:
        for label, line in panel.rows.groupby("label"):
            at = ", ".join(f"{value:g}" for value in sorted(line[x][line.zero].unique()))
            if at:
                where.setdefault(str(label), []).append(
                    panel.name + ("" if line.zero.all() else f" at {name} = {at}")
                )
    everywhere = [panel.name for panel in panels]
    texts = [
        label + ("" if names == everywhere else f" ({'; '.join(names)})")
        for label, names in where.items()
    ]
    return [f"Variance zero (to rounding), not drawn: {'; '.join(texts)}."] if texts else []


Drawn = Iterator[tuple[str, Figure]]

LEAST_SWEPT, MOST_APART = 4, 8
"""Values of an argument from which on it is an axis, and up to which each of a problem's has figures of its own."""

WIDE = 30
"""Ratio of an argument's largest to its least value from which on its axis is logarithmic."""


class ArgumentSweep(NamedTuple):
    """The measurements of one problem in which one numeric argument, in the column `value`, takes many values."""

    problem: str
    argument: str
    rest: str
    """The problem's other arguments."""
    rows: pd.DataFrame
    """`label` is without the argument where it is the estimators'."""
    of_estimators: bool


def figures(measurements: pd.DataFrame) -> Drawn:
    """Every figure that the measurements support, each under its file's name without the suffix."""
    table = labelled(measurements)
    looks = looks_of(table)
    table = table[table.status.isin(["ok", "unreliable"]) & table.variance.notna()]
    if table.empty:
        return
    table["zero"] = is_zero(table)
    table["exact_snr"] = table.exact_norm / np.sqrt(table.exact_variance)
    table["exact_bias_squared"] = np.nan
    sweeps = list(argument_sweeps(table))
    for sweep in sweeps:
        yield from against_argument(sweep, looks)
    table = table.drop(
        places([sweep.rows for sweep in sweeps if sweep.rows.value.nunique() > MOST_APART])
    )
    of_estimators = list(estimator_sweeps(table))
    their_looks = (
        looks_of(pd.concat([sweep.rows for sweep in of_estimators])) if of_estimators else {}
    )
    for sweep in of_estimators:
        yield from against_argument(sweep, their_looks)
    drawn_above = places([sweep.rows for sweep in of_estimators])
    for (problem, setting), rows in table.groupby(["problem", "setting"]):
        name, title = slug(problem, setting), problem_label(problem, setting)
        lines = rows.drop(rows.index.intersection(drawn_above))
        several = lines[lines.groupby("point").num_samples.transform("nunique") > 1]
        if len(several) and not several.zero.all():
            yield f"variance_vs_samples_{name}", variance_vs_samples(title, several, looks)
            if (timed := several[several.seconds > 0]).zero.eq(False).any():
                yield f"variance_vs_cost_{name}", variance_vs_cost(title, timed, looks)
        tested = rows[np.isfinite(rows.bias_relative)]
        if len(tested):
            yield f"bias_{name}", bias(title, tested, looks)


def places(parts: list[pd.DataFrame]) -> pd.Index:
    """Where in the table the rows of all parts are."""
    return pd.concat(parts).index.unique() if parts else pd.Index([])


def is_zero(table: pd.DataFrame) -> pd.Series:
    """Whether a variance is zero, or so far below the other estimators' that it is their rounding."""
    others = table.groupby(
        ["problem", "problem_args", "point", "group", "num_samples"]
    ).variance.transform("median")
    rounding = 8 * table["dtype"].map(lambda name: np.finfo(name).eps)
    return called_zero(table) | (table.variance <= 0) | (table.variance < rounding**2 * others)


def argument_sweeps(table: pd.DataFrame) -> Iterator[ArgumentSweep]:
    """Every numeric argument of a problem with values enough to be an axis, once for each choice of the others."""
    for problem, rows in table.groupby("problem"):
        given = rows.problem_args.map(json.loads)
        for argument in sorted({key for args in given for key in args}):
            value = given.map(lambda args, key=argument: args.get(key))
            if value.map(is_number).all():
                rest = [without(args, argument) for args in rows.problem_args]
                for fixed, part in rows.assign(value=value.astype(float)).groupby(rest):
                    if part.value.nunique() >= LEAST_SWEPT:
                        yield ArgumentSweep(str(problem), argument, str(fixed), part, False)


def estimator_sweeps(table: pd.DataFrame) -> Iterator[ArgumentSweep]:
    """Every numeric argument of estimators that takes enough values to be an axis, those who have it together."""
    for (problem, setting), rows in table.groupby(["problem", "setting"]):
        given = rows.estimator_args.map(json.loads)
        for argument in sorted({key for args in given for key in args}):
            value = given.map(lambda args, key=argument: args.get(key))
            part = rows[value.map(is_number)]
            part = part.assign(
                value=value[part.index].astype(float),
                estimator_args=[without(args, argument) for args in part.estimator_args],
            )
            part = part.groupby(["estimator", "estimator_args"]).filter(
                lambda e: e.value.nunique() >= LEAST_SWEPT
            )
            if len(part):
                relabelled = labelled(part).set_index(part.index)
                yield ArgumentSweep(str(problem), argument, str(setting), relabelled, True)


def is_number(value: Any) -> bool:
    """Whether an argument's value is one that an axis can have."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def those_of(looks: Mapping[str, Look], rows: pd.DataFrame) -> dict[str, Look]:
    """The looks of what the rows draw."""
    drawn = set(rows.label)
    return {label: look for label, look in looks.items() if label in drawn}


def variance_vs_samples(title: str, rows: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """ln variance against ln L, and in the key its slope."""
    panels, columns = panels_of(rows)
    looks = those_of(looks, rows)
    entries = [
        Entry(look, label, tuple(slope_text(p.rows[p.rows.label == label]) for p in panels))
        for label, look in looks.items()
    ]
    width = width_of(columns)
    levels = np.sort(rows.num_samples.unique()).astype(float)
    gap = float(np.log(levels[1:] / levels[:-1]).min())
    shifts = [shifts_apart(panel.rows, gap) for panel in panels]
    notes = [f"In brackets and shaded: {INTERVALS}."]
    if any(shift for panel in shifts for shift in panel.values()):
        notes.append("Points that would hide each other are set apart sideways.")
    key = lay_out_table(entries, "slope of ln variance on ln L", [p.name for p in panels], width)
    key += lay_out_list(other_entries(rows), width, next_line(key))
    key += lay_out_notes(notes, width, next_line(key))
    figure, every = page(
        title, panels, key, ("samples L", "variance of the gradient"), columns=columns
    )
    for axes, panel, shift in zip(every, panels, shifts, strict=True):
        draw_lines(axes, panel.rows, "num_samples", looks, shift)
        axes.set(
            xscale="log", xlim=(levels[0] * math.exp(-gap / 4), levels[-1] * math.exp(gap / 4))
        )
        axes.xaxis.set_ticks(levels, labels=[f"{level:g}" for level in levels])
        axes.xaxis.set_minor_locator(NullLocator())
    return figure


def slope_text(line: pd.DataFrame) -> str:
    """One estimator's slope in one panel with its interval, or why there is none."""
    if line.empty:
        return ""
    if line.zero.all():
        return "variance zero" if (line.variance == 0).all() else "zero to rounding"
    slope = slope_of(line[~line.zero])
    return f"{slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]" if slope else "–"


AGAINST_ARGUMENT = {
    "variance": "variance of the gradient",
    "snr": "signal-to-noise ratio of the gradient",
    "bias_squared": "squared bias of the gradient",
}
"""What is drawn against an argument, with the words at its axis; the last for estimators that are biased alone."""


def against_argument(sweep: ArgumentSweep, looks: Mapping[str, Look]) -> Drawn:
    """Variance, signal against noise, and bias as an argument changes: a figure of each for each L."""
    levels = sorted(sweep.rows.num_samples.unique())
    for level in levels:
        at_level = sweep.rows[sweep.rows.num_samples == level]
        suffix = f"_L{level}" if len(levels) > 1 else ""
        for column in AGAINST_ARGUMENT:
            rows = (
                at_level[~at_level.unbiased.astype(bool)] if column == "bias_squared" else at_level
            )
            if (rows[column][drawable(rows, column)] > 0).any():
                name = f"{column}_vs_{sweep.argument}_{slug(sweep.problem, sweep.rest)}{suffix}"
                yield name, column_vs_argument(column, sweep, rows, level, looks)


def column_vs_argument(
    column: str, sweep: ArgumentSweep, rows: pd.DataFrame, level: int, looks: Mapping[str, Look]
) -> Figure:
    """One of AGAINST_ARGUMENT at one L."""
    panels, columns = panels_of(rows, by_point=sweep.of_estimators)
    width = width_of(columns)
    shown = those_of(looks, rows[drawable(rows, column)])
    key = lay_out_list([Entry(k, v) for v, k in shown.items()] + other_entries(rows), width)
    notes = [f"Shaded: {INTERVALS}."]
    if column != "bias_squared":
        notes += zero_notes(panels, "value", words(sweep.argument))
    key += lay_out_notes(notes, width, next_line(key))
    title = f"{problem_label(sweep.problem, sweep.rest)}, L = {level}"
    labels = (words(sweep.argument), AGAINST_ARGUMENT[column])
    figure, every = page(title, panels, key, labels, columns=columns)
    for axes, panel in zip(every, panels, strict=True):
        draw_lines(axes, panel.rows, "value", shown, {}, column)
        if rows.value.min() > 0 and rows.value.max() >= WIDE * rows.value.min():
            scale_log(axes, "x", rows.value)
        else:
            set_ticks(axes, "x", spaced(axes, linear_ticks(*axes.get_xlim())))
    return figure


def variance_vs_cost(title: str, rows: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Variance against the seconds of one estimate; on a diagonal, work buys the same."""
    panels, columns = panels_of(rows)
    width = width_of(columns)
    looks = those_of(looks, rows[~rows.zero])
    levels = ", ".join(map(str, sorted(rows.num_samples.unique())))
    entries = [
        *(Entry(k, v) for v, k in looks.items()),
        Entry(DIAGONAL, "equal variance × seconds"),
    ]
    key = lay_out_list(entries + other_entries(rows), width)
    notes = [f"On each line, from the top: L = {levels}. Shaded: {INTERVALS}.", *zero_notes(panels)]
    key += lay_out_notes(notes, width, next_line(key))
    figure, every = page(
        title, panels, key, ("seconds per estimate", "variance of the gradient"), columns=columns
    )
    for axes, panel in zip(every, panels, strict=True):
        draw_lines(axes, panel.rows, "seconds", looks, {})
        if not panel.rows.zero.all():
            scale_log(axes, "x", panel.rows[~panel.rows.zero].seconds)
            draw_diagonals(axes)
    return figure


def draw_diagonals(axes: Axes) -> None:
    """Lines on which the product of x and y is the same."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for product in log_ticks(left * low, right * high):
        axes.plot(
            [left, right],
            [product / left, product / right],
            **DIAGONAL,
            scalex=False,
            scaley=False,
            zorder=1,
        )
    axes.grid(False)


CLAIMS = {True: "unbiased in theory", False: "biased in theory"}


def bias(title: str, rows: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """The relative error of each estimator's mean along the gradient, a point for each L."""
    truth = (
        "exact gradient"
        if rows.exact.all()
        else f"gradient of a reference run of {rows.truth.iloc[0]}"
    )
    panels, columns = panels_of(rows)
    width = width_of(columns)
    places = bias_places(rows)
    levels = sorted(rows.num_samples.unique())
    shades = dict(
        zip(levels, np.linspace(0.55, 0, len(levels)) if len(levels) > 1 else [0.0], strict=True)
    )
    steps = [
        Entry(point("o", tint("black", shade)), f"L = {level}") for level, shade in shades.items()
    ]
    notes = [
        f"Relative bias: the error of the mean along the {truth}, as a fraction of it; bars: {INTERVALS}.",
        "At 0 the estimate is unbiased along it, at −1 (dotted, where in view) it is zero on average.",
    ]
    if any(linear_part(panel.rows) for panel in panels):
        notes.append(
            "Where the ticks are unevenly spaced, the axis is linear next to 0 and logarithmic beyond."
        )
    key = lay_out_list(steps, width)
    if (rows.bias_finding == "biased").any():
        key += lay_out_list(
            [Entry(STAR, "found biased: at most 5 % false among those of the run")],
            width,
            next_line(key),
        )
    key += lay_out_notes(notes, width, next_line(key))
    left = 2 * EDGE + max(map(text_width, places))
    size: dict[str, Any] = {
        "columns": columns,
        "left": left,
        "gap": 0.25,
        "height": 0.24 * len(places),
    }
    figure, every = page(title, panels, key, ("relative bias", ""), **size)
    for i, (axes, panel) in enumerate(zip(every, panels, strict=True)):
        for (label, level), line in panel.rows.groupby(["label", "num_samples"]):
            y = places[label] + 0.72 * ((levels.index(level) + 0.5) / len(levels) - 0.5)
            draw_bias(axes, line.iloc[0], y, looks[label], shades[level])
        axes.axvline(0, color="0.3", linewidth=0.6, zorder=1)
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.grid(False, axis="y")
        axes.set_yticks(
            list(places.values()), list(places) if i % columns == 0 else [""] * len(places)
        )
        axes.tick_params(axis="y", length=0)
        for text in axes.get_yticklabels():
            text.set_fontstyle("italic" if text.get_text() in CLAIMS.values() else "normal")
        scale_bias(axes, panel.rows)
    return figure


def bias_places(rows: pd.DataFrame) -> dict[str, int]:
    """Each line of the figure, from the top: the estimators under what they claim."""
    lines: list[str] = []
    for claim, heading in CLAIMS.items():
        labels = sorted(rows.label[rows.unbiased.astype(bool) == claim].unique())
        lines += [heading, *labels] if labels else []
    return {line: place for place, line in enumerate(lines)}


def draw_bias(axes: Axes, row: pd.Series, y: float, look: Look, shade: float) -> None:
    """One point with its interval, and a star at the margin where it is surely not zero."""
    color = tint(look["color"], shade)
    axes.plot([row.bias_relative_low, row.bias_relative_high], [y, y], color=color, linewidth=0.7)
    look = look | {"color": color, "linestyle": "none"}
    axes.plot(row.bias_relative, y, **(hollow(look) if row.status == "unreliable" else look))
    if row.bias_finding == "biased":
        axes.plot(1.03, y, **STAR, transform=axes.get_yaxis_transform(), clip_on=False)


def tint(color: str, shade: float) -> tuple[float, ...]:
    """The colour, mixed with so much white."""
    return tuple(1 - (1 - c) * (1 - shade) for c in to_rgb(color))


def linear_part(rows: pd.DataFrame) -> float:
    """Up to which power of ten the axis is to be linear, and logarithmic beyond; 0 where all of it may be linear."""
    reach = rows[["bias_relative_low", "bias_relative_high"]].abs().max(axis=1)
    usual = reach[reach > 1e-4 * reach.max()].quantile(0.25)
    return 10.0 ** math.floor(math.log10(usual)) if reach.max() > 20 * usual else 0.0


def scale_bias(axes: Axes, rows: pd.DataFrame) -> None:
    """A linear axis, or one that is linear only next to zero where the largest bias would crush the other intervals."""
    linear = linear_part(rows)
    if linear:
        axes.set_xscale("symlog", linthresh=linear)
    axes.margins(x=0.06)
    axes.autoscale(axis="x")
    low, high = axes.get_xlim()
    if low < -1 < high:
        axes.axvline(-1, **DIAGONAL, zorder=1)
    if linear:
        decades = range(math.floor(math.log10(max(-low, high) / linear)), -1, -1)
        ticks = [0.0, *(sign * linear * 10.0**i for i in decades for sign in (-1, 1))]
        ticks = [tick for tick in ticks if low <= tick <= high]
    else:
        ticks = linear_ticks(low, high)
    set_ticks(axes, "x", spaced(axes, ticks))
    axes.set_xticks(ticks, minor=True)


def spaced(axes: Axes, ticks: list[float], least: float = 0.32) -> list[float]:
    """Those of the x axis's ticks, the first ones first, that leave `least` inches between them."""
    kept: list[float] = []
    for tick in ticks:
        places = axes.transData.transform([(x, 0) for x in (tick, *kept)])[:, 0] / axes.figure.dpi
        if (np.abs(places[1:] - places[0]) >= least).all():
            kept.append(tick)
    return sorted(kept)
