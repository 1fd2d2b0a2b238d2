"""bench.md: the targets beside what was measured, and a table of each section."""

from collections.abc import Callable, Mapping

import pandas as pd

from gradest.benchmarks.analysis.numerals import show
from gradest.benchmarks.bench.speed.targets import Verdict, verdicts
from gradest.benchmarks.markdown import markdown_table
from gradest.benchmarks.measurement.rounds import ROUNDS
from gradest.benchmarks.statistics.intervals import Interval

Tables = Mapping[str, pd.DataFrame]
"""What was measured, by the name of its CSV."""


def number(value: float) -> str:
    """Three digits; a dash where there is none.

    >>> number(0.6), number(1234.5), number(float("nan"))
    ('0.60', '1,234', '–')
    """
    if pd.isna(value):
        return "–"
    if abs(value) < 10:
        return f"{value:.2f}"
    if abs(value) < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def against_samples(table: pd.DataFrame, column: str) -> str:
    """A share, a line for each problem, estimator and D and a column for each L."""
    wide = table.pivot_table(
        index=["problem", "estimator", "dim"], columns="num_samples", values=column, sort=False
    )
    wide = wide[sorted(wide.columns)]
    header = ["problem", "estimator", "D", *(f"L = {level:,}" for level in wide.columns)]
    lines = [[*map(str, cell), *map(number, shares)] for cell, shares in wide.iterrows()]
    return markdown_table(header, lines, left=2)


SHARES = {
    "of_floor": (
        "Samples a second over those of drawing as many random numbers, from the sampler of the "
        "problem's own distribution in the fastest shape found, and nothing else: the roofline. An "
        "estimator that draws nothing is left out."
    ),
    "of_floor_with_f": (
        "Over those of drawing them and evaluating f as often as the estimator says that it costs, "
        "at stored points in the fastest shape found. The measure-valued gradient of a Gaussian "
        "counts 4·D·L evaluations, of a Bernoulli 2·D·L, but makes one of D terms for each: it "
        "can be above 1."
    ),
    "of_network": (
        "Networks, 8 images: estimates a second over those of a forward and a backward pass of f "
        "at L fixed draws, for as many replicates at a time."
    ),
}
"""The columns of shares in throughput.csv, and what each is of."""


def throughput(tables: Tables) -> str:
    """The section of shares: of the roofline, of the roofline with f, of the network's passes."""
    table = tables["throughput"]
    text = [
        f"Medians of the ratios of {ROUNDS} rounds, in which everything is called in turn, warm; "
        "intervals and samples a second are in throughput.csv. Ours is timed as a measurement "
        "calls it, with the sums from which variance, intervals and tests are made."
    ]
    for column, meaning in SHARES.items():
        if column in table and table[column].notna().any():
            text += [meaning, against_samples(table, column)]
    return "\n\n".join(text)


def compilation(tables: Tables) -> str:
    """The section of compile times by problem, and of what a changed number compiles."""
    table = tables["compile"].assign(problem=lambda table: table.problem.map(plain))
    lines = [compilation_line("all", table)]
    for name, rows in table.groupby("problem", sort=False):
        lines.append(compilation_line(str(name), rows))
    header = ["problem", "programs", "median", "90 %", "most", "estimates", "sums", "adapting"]
    text = [
        "Seconds of lowering and compiling what each cell of `default` needs that no cell before "
        "it had, the persistent cache off: its estimates, its sums, and what adapts its state. "
        "The last three: medians of these.",
        markdown_table(header, lines, left=1),
    ]
    if "recompilations" in tables:
        text += [
            "Programs compiled by a measurement made before, but for one number (R: twice as "
            "many):",
            recompilations(tables["recompilations"]),
        ]
    return "\n\n".join(text)


def compilation_line(name: str, rows: pd.DataFrame) -> list[str]:
    """One problem's programs: how many, quantiles of their seconds, medians of the parts."""
    quantiles = [rows.seconds.quantile(level) for level in (0.5, 0.9, 1)]
    medians = rows[["estimates_seconds", "sums_seconds", "adapt_seconds"]].median()
    return [name, str(len(rows)), *map(number, quantiles), *map(number, medians)]


def recompilations(table: pd.DataFrame) -> str:
    """A line for each number that was changed."""
    lines = [[row.problem, row.changed, str(row.compilations)] for row in table.itertuples()]
    return markdown_table(["problem", "changed", "compilations"], lines, left=2)


def plain(label: str) -> str:
    """A problem's label without its arguments."""
    return label.partition("[")[0]


def default(tables: Tables) -> str:
    """The section of runs of the `default` sweep, cold and warm."""
    lines = [
        [row.cache, number(row.seconds), number(row.measuring_seconds), number(row.peak_mib)]
        for row in tables["default"].itertuples()
    ]
    return markdown_table(
        ["cache", "seconds in all", "measuring", "peak memory, MiB"], lines, left=1
    )


def memory(tables: Tables) -> str:
    """The section of the memory that runs take, against R, and of the presets."""
    lines = [
        [
            row.run,
            "–" if pd.isna(row.replicates) else f"{row.replicates:,.0f}",
            number(row.peak_mib),
            number(row.seconds),
        ]
        for row in tables["memory"].itertuples()
    ]
    table = markdown_table(["run", "R", "peak memory, MiB", "seconds in all"], lines, left=1)
    return f"Peak memory of the process that measures, draws and tabulates.\n\n{table}"


def growth(tables: Tables) -> str:
    """The section of exponents: how time grows with each size."""
    lines = [
        [
            row.axis,
            row.estimator,
            f"{row.least:,} to {row.most:,}",
            show(Interval(row.exponent, row.exponent_low, row.exponent_high)),
            number(row.seconds_least),
            number(row.seconds_most),
            f"{row.seconds_fixed:.2g}",
        ]
        for row in tables["growth"].itertuples()
    ]
    header = ["along", "estimator", "from, to", "exponent", "seconds, least", "most", "fixed"]
    text = (
        "Seconds ∝ sizeᵉ, all else fixed, of a Gaussian square; cells: of a sweep. Exponents: "
        "medians of the rounds' least squares, with their range. Fixed: a of the line a + b·size. "
        "Below 1 a fixed cost shows: along L and D that of a replicate's key, along the cells that "
        "of a sweep's start."
    )
    return f"{text}\n\n{markdown_table(header, lines, left=2)}"


SECTIONS: dict[str, tuple[str, str, Callable[[Tables], str]]] = {
    "throughput": ("Throughput", "throughput", throughput),
    "compile": ("Compilation", "compile", compilation),
    "default": ("The `default` sweep", "default", default),
    "memory": ("Memory", "memory", memory),
    "growth": ("Growth", "growth", growth),
}
"""For each section its title, the table without which it is left out, and its text."""


def targets_table(found: list[Verdict]) -> str:
    """A line for each target."""
    return markdown_table(["to reach, on two cores", "measured", ""], found, left=1)


def bench_page(tables: Tables, conditions: str) -> str:
    """The text of bench.md.

    Args:
        tables: those that were measured.
        conditions: a sentence on what they were measured with.
    """
    text = [
        "# Performance",
        f"Written by `make bench`. {conditions}",
        targets_table(verdicts(tables)),
    ]
    for title, needed, section in SECTIONS.values():
        if needed in tables:
            text += [f"## {title}", section(tables)]
    return "\n\n".join(text) + "\n"
