"""Running a sweep: every cell that is not there yet, kept as soon as it ends."""

import itertools
import json
import math
import os
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
import pandas as pd

from gradest.benchmarks.measurement.checkpoints import checksum, params_at
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.reference import REFERENCE_SAMPLES, reference_gradient
from gradest.benchmarks.measurement.replicates import (
    STEP,
    Measurement,
    cell_key,
    compile_cell,
    exact_gradient,
    extends,
    forget_programs,
    measure,
    program,
    stable_hash,
)
from gradest.benchmarks.runtime.devices import refuse_devices
from gradest.benchmarks.runtime.environment import environment, git_state, is_ours, sources
from gradest.benchmarks.runtime.program_cache import keep_in, let_jax_keep_in
from gradest.benchmarks.statistics import intervals, tails
from gradest.benchmarks.statistics.bias import Bias, Truth, biases, exactly
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import Moments, leave_out, scale_of
from gradest.benchmarks.sweeps.store import Outcome, Store, Summaries, open_store
from gradest.benchmarks.sweeps.sweep import Cell, Choice, Plan
from gradest.estimators.base import Estimator
from gradest.problems.base import Params, Problem
from gradest.problems.cache import cache_folder

COLUMNS = (
    "cell",
    "problem",
    "problem_args",
    "problem_revision",
    "estimator",
    "estimator_args",
    "point",
    "theta",
    "group",
    "dim",
    "num_samples",
    "replicates",
    "batches",
    "seed",
    "dtype",
    "status",
    "reason",
    "mean_norm",
    "variance",
    "variance_low",
    "variance_high",
    "variance_per_dim",
    "variance_max",
    "variance_max_low",
    "variance_max_high",
    "exact_variance",
    "kurtosis",
    "tail_index",
    "tail_index_low",
    "tail_index_high",
    "snr",
    "snr_low",
    "snr_high",
    "unbiased",
    "exact",
    "truth",
    "exact_norm",
    "bias_norm",
    "bias_squared",
    "bias_squared_low",
    "bias_squared_high",
    "bias_relative",
    "bias_relative_low",
    "bias_relative_high",
    "cosine",
    "cosine_low",
    "cosine_high",
    "bias_p",
    "bias_q",
    "bias_detectable",
    "equivalence_margin",
    "equivalence_p",
    "bias_finding",
    "f_evals",
    "grad_evals",
    "adapt_steps",
    "adapt_f_evals",
    "adapt_grad_evals",
    "seconds",
    "seconds_low",
    "seconds_high",
    "timing_processes",
    "compile_seconds",
    "work_normalised_variance",
    "work_normalised_variance_low",
    "work_normalised_variance_high",
)
"""Of measurements.csv, in this order."""

LEFT_OUT_COLUMNS = ("cell", "group", "batch", "variance", "squared_bias")
"""Of leave_one_out.csv: each statistic over all replicates but those of one batch."""

WHOLE = (
    "dim",
    "batches",
    "f_evals",
    "grad_evals",
    "adapt_steps",
    "adapt_f_evals",
    "adapt_grad_evals",
    "timing_processes",
)
"""Columns of whole numbers, empty where a cell was not measured."""

SORTED_BY = [
    "problem",
    "problem_args",
    "point",
    "estimator",
    "estimator_args",
    "group",
    "num_samples",
]

PILOT_REPLICATES = 2_000
"""Of the pilot that chooses R for a precision."""

FAILURES = (FloatingPointError, MemoryError, RuntimeError, ValueError)
"""What can go wrong in a cell: it is the cell's outcome, not the run's."""

AHEAD = 16
"""How many programs are compiled at a time."""

FALSE_DISCOVERIES = 0.05
"""The share of false ones among the biases that a sweep reports; the level of the equivalence test too."""


@dataclass
class Setting:
    """A problem at one θ, with what is known about it exactly: made once for all its cells."""

    problem: Problem
    params: Params
    truths: dict[str, Truth]
    truth: str
    """Where the truths are from."""


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    folder: Path
    counts: dict[str, int]
    reused: int
    seconds: float


class Progress(Protocol):
    """Who is told how a run goes."""

    def start(self, missing: int) -> None:
        """Before the first cell: how many are to be measured."""

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        """After each cell."""


def run_sweep(plan: Plan, folder: Path, progress: Progress) -> Summary:
    """Measures what is missing in the folder's store, then writes measurements.csv and
    manifest.json.

    Interrupted, every finished cell is kept and the next run goes on from there.
    """
    started = time.perf_counter()
    settings: dict[Choice, Setting] = {}
    refuse_devices(plan.sweep.generator)
    with jax.enable_x64(plan.sweep.dtype == "float64"), open_store(folder) as store:
        versions = environment(plan.sweep.generator)
        here = {cell.id: versions | sources_of(cell, plan) for cell in plan.measurable}
        kept = {
            cell: outcome
            for cell, outcome in store.outcomes().items()
            if outcome.environment == here.get(cell) and outcome.status != "failed"
        }
        missing = [cell for cell in plan.measurable if cell.id not in kept]
        progress.start(len(missing))
        for groups in together(by_program(plan, missing)):
            compile_ahead([cells[0] for cells in groups], plan)
            for cell in itertools.chain(*groups):
                begun = time.perf_counter()
                outcome, summaries = measure_cell(cell, plan, settings, here[cell.id], store)
                store.keep(cell.id, outcome, summaries)
                progress(cell, outcome.status, time.perf_counter() - begun)
            forget_programs()
        counts = write_results(plan, store, folder)
    return Summary(
        folder, counts, len(plan.measurable) - len(missing), time.perf_counter() - started
    )


def sources_of(cell: Cell, plan: Plan) -> dict[str, str]:
    """A user's own files that the cell is measured with: where one was changed, the cell is measured again."""
    return sources(plan.problems[cell.problem], plan.estimators[cell.estimator])


def by_program(plan: Plan, cells: list[Cell]) -> list[list[Cell]]:
    """The cells, those that run the same compiled program next to each other."""
    groups: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        key = program(
            plan.problems[cell.problem], plan.estimators[cell.estimator], cell.num_samples
        )
        groups.setdefault((key, cell.replicates), []).append(cell)
    return list(groups.values())


def together(groups: list[list[Cell]]) -> Iterable[list[list[Cell]]]:
    """The groups whose programs are compiled, and kept in memory, at the same time."""
    return (groups[start : start + AHEAD] for start in range(0, len(groups), AHEAD))


def compile_ahead(cells: list[Cell], plan: Plan) -> None:
    """Compiles what the cells will run, one on each core: before any is measured, because a
    measurement is timed.

    What cannot be compiled fails where it is measured. A cell whose R a pilot chooses is compiled
    there too.
    """

    def compile_one(cell: Cell) -> None:
        problem, estimator = plan.problems[cell.problem], plan.estimators[cell.estimator]
        key = cell.key
        with (
            jax.enable_x64(cell.dtype == "float64"),
            suppress(*FAILURES),
        ):  # a setting of the thread
            compile_cell(
                problem,
                estimator,
                problem.init_params(key),
                key=key,
                num_samples=cell.num_samples,
                replicates=cell.replicates,
                adapt_steps=cell.adapt_steps,
            )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, [cell for cell in cells if cell.precision is None]))


def measure_cell(
    cell: Cell, plan: Plan, settings: dict[Choice, Setting], here: dict[str, str], store: Store
) -> tuple[Outcome, Summaries | None]:
    """Measures one cell; what goes wrong in it is its own outcome, not the run's."""
    try:
        setting = settings.get(cell.problem)
        if setting is None:
            setting = settings[cell.problem] = make_setting(plan.problems[cell.problem], cell)
        estimator = plan.estimators[cell.estimator]
        key = cell.key
        run = partial(
            measure,
            setting.problem,
            estimator,
            setting.params,
            num_samples=cell.num_samples,
            adapt_steps=cell.adapt_steps,
        )
        budget = (
            Budget(cell.replicates, "")
            if cell.precision is None
            else choose_replicates(cell, run, key)
        )
        earlier = (
            s.moments
            for s in store.shorter(cell.series, here)
            if extends(s.replicates, budget.replicates)
        )
        measurement = run(replicates=budget.replicates, key=key, earlier=next(earlier, None))
        rows = rows_of(cell, estimator, setting, measurement)
    except FAILURES as error:
        return Outcome("failed", " ".join(str(error).split())[:300], [], here, ""), None
    for row in rows:
        said = filter(None, (row["reason"], budget.shortfall, measurement.shortage))
        row |= {"replicates": budget.replicates, "reason": "; ".join(said)}
    reasons = dict.fromkeys(row["reason"] for row in rows if row["reason"])
    status = "unreliable" if any(row["status"] == "unreliable" for row in rows) else "ok"
    outcome = Outcome(status, "; ".join(reasons), rows, here, checksum(setting.params))
    return outcome, Summaries(cell.series, budget.replicates, measurement.moments)


class Budget(NamedTuple):
    """How many replicates a cell gets."""

    replicates: int
    shortfall: str
    """Why these are fewer than the precision needs, or ""."""


def choose_replicates(cell: Cell, run: Callable[..., Measurement], key: jax.Array) -> Budget:
    """R for the cell's precision, from a pilot on keys of its own: stopping then does not depend on
    what is measured.

    The noisiest group decides. R is at most the cell's, and at most what its timeout allows at the
    pilot's speed.
    """
    assert cell.precision is not None
    pilot = run(replicates=PILOT_REPLICATES, key=jax.random.fold_in(key, stable_hash("pilot")))
    kurtosis = max(
        np.nan_to_num(tails.kurtosis(moments), nan=1.0) for moments in pilot.moments.values()
    )
    wanted = math.ceil(min(intervals.replicates_for(cell.precision, kurtosis), 1e15) / STEP) * STEP
    limits = {"max_replicates": cell.replicates}
    if cell.timeout is not None:
        limits["cell_timeout"] = int(cell.timeout / pilot.seconds.value) // STEP * STEP
    name, most = min(limits.items(), key=lambda limit: limit[1])
    if wanted <= most:
        return Budget(max(wanted, STEP), "")
    most = max(most, STEP)
    reached = cell.precision * math.sqrt(wanted / most)
    return Budget(
        most,
        f"R = {most} by {name}: ±{reached:.2g} of the variance to be expected, not ±{cell.precision:g}",
    )


def make_setting(problem: Problem, cell: Cell) -> Setting:
    """θ for the cell's problem, and the gradient there: exact, or from a reference run."""
    params = params_at(problem, cell.problem.label, cell.seed)
    exact = exact_gradient(problem, params)
    if exact is not None:
        return Setting(
            problem,
            params,
            {group: exactly(gradient) for group, gradient in exact.items()},
            problem.truth,
        )
    key = cell_key(cell.seed, f"reference {cell.problem.label}", cell.point, REFERENCE_SAMPLES)
    truths = reference_gradient(problem, params, key, cell.reference_replicates)
    return Setting(
        problem, params, truths, f"{cell.reference_replicates} × {REFERENCE_SAMPLES} draws"
    )


def rows_of(
    cell: Cell, estimator: Estimator, setting: Setting, measurement: Measurement
) -> list[dict[str, Any]]:
    """The measured columns, a row for each group of θ."""
    cost = estimator.evaluations(setting.problem, cell.num_samples)
    variances = exact_variance(setting.problem, estimator, setting.params, cell.num_samples) or {}
    shared = {
        "problem_revision": setting.problem.revision,
        "unbiased": estimator.claims_unbiased(setting.problem),
        "exact": not any(truth.error.any() for truth in setting.truths.values()),
        "truth": setting.truth,
        "equivalence_margin": cell.equivalence_margin,
        "f_evals": cost.f,
        "grad_evals": cost.grad,
        "adapt_steps": measurement.adapt_steps,
        "adapt_f_evals": measurement.adapt_steps * cost.f,
        "adapt_grad_evals": measurement.adapt_steps * cost.grad,
        "timing_processes": 1,
        "compile_seconds": measurement.compile_seconds,
    } | bounds("seconds", measurement.seconds)
    resolution = float(np.finfo(cell.dtype).eps)
    size = max(scale_of(moments) for moments in measurement.moments.values())
    found = biases(measurement.moments, setting.truths, resolution, cell.equivalence_margin)
    spreads = {
        group: spread_columns(moments, measurement.seconds, size * resolution)
        for group, moments in measurement.moments.items()
    }
    return [
        shared
        | {"group": group, "exact_variance": variances.get(group, math.nan)}
        | {"exact_norm": float(np.linalg.norm(setting.truths[group].gradient))}
        | spread
        | bias_columns(found[group])
        | {"without": spread["without"] | {"squared_bias": found[group].squared_without.tolist()}}
        for group, spread in spreads.items()
    ]


def bounds(name: str, interval: Interval) -> dict[str, float]:
    """Three columns: a number and the ends of its interval."""
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def spread_columns(moments: Moments, seconds: Interval, rounding: float) -> dict[str, Any]:
    """What one group's moments say of variance, tails and signal."""
    samples = leave_out(moments)
    total = intervals.jackknife(intervals.total_variance, samples)
    kurtosis, tail = tails.kurtosis(moments), tails.tail_index(moments)
    variance = intervals.interval(total, heavy=kurtosis > tails.HEAVY_TAIL)
    share = intervals.largest_share(total)
    status, reason = reliability(moments.replicates, variance, kurtosis, tail, rounding, share)
    return {
        "dim": moments.mean.shape[1],
        "batches": len(moments.mean),
        "status": status,
        "reason": reason,
        "mean_norm": float(np.linalg.norm(samples.whole.mean)),
        "variance_per_dim": variance.value / moments.mean.shape[1],
        "kurtosis": kurtosis,
        "without": {"variance": total.without.tolist()},
        **bounds("tail_index", Interval(tail.alpha, *tail.interval)),
        **bounds("variance", variance),
        **bounds("variance_max", intervals.largest_variance(samples)),
        **bounds("snr", intervals.signal_to_noise(samples)),
        **bounds("work_normalised_variance", intervals.product(variance, seconds)),
    }


def bias_columns(found: Bias) -> dict[str, Any]:
    """What is known of one group's bias."""
    return {
        "bias_norm": found.norm,
        "bias_p": found.p,
        "bias_detectable": found.detectable,
        "equivalence_p": found.equivalence_p,
        **bounds("bias_squared", found.squared),
        **bounds("bias_relative", found.relative),
        **bounds("cosine", found.cosine),
    }


MOST_OF_A_BATCH = 0.25
"""The share of the variance in one batch, of 20 to 32, above which their spread says nothing."""


def reliability(
    replicates: int,
    variance: Interval,
    kurtosis: float,
    tail: tails.Tail,
    rounding: float,
    share: float,
) -> tuple[str, str]:
    """A row's status and the reason for doubt, if any; `share` is the largest of a batch in the variance."""
    if variance.value == 0:
        return "ok", "variance zero"
    if math.sqrt(variance.value) < 8 * rounding:
        return "ok", "variance zero to rounding"
    # a replicate that holds the share p of the sum of squares makes the kurtosis at least p²R: here
    # about a half
    if kurtosis > replicates / 4 or not math.isfinite(kurtosis):
        return (
            "unreliable",
            f"kurtosis {kurtosis:.0f}: one replicate carries the variance, which may be infinite",
        )
    if tail.lacks_moment(2):
        return "unreliable", f"tail index {tail.alpha:.1f}: the variance may be infinite"
    if tail.lacks_moment(4):
        return (
            "unreliable",
            f"tail index {tail.alpha:.1f}: the fourth moment may be infinite, so no interval is sure",
        )
    if share > MOST_OF_A_BATCH:
        return (
            "unreliable",
            f"one batch of replicates carries {share:.0%} of the variance, perhaps by what it learned",
        )
    if kurtosis > tails.HEAVY_TAIL:
        return "ok", f"kurtosis {kurtosis:.0f}: bootstrapped interval"
    return "ok", ""


def write_results(plan: Plan, store: Store, folder: Path) -> dict[str, int]:
    """measurements.csv and manifest.json from the store; returns how many cells have each status."""
    outcomes = store.outcomes()
    times = {
        (cell, json.dumps(environment)): [timing.seconds for timing in timings]
        for environment in distinct([outcome.environment for outcome in outcomes.values()])
        for cell, timings in store.timings(environment).items()
    }
    records, counts = [], dict.fromkeys(("ok", "unreliable", "skipped", "failed", "pending"), 0)
    for cell in plan.cells:
        if cell.id in plan.reasons:
            outcome = Outcome("skipped", plan.reasons[cell.id], [], {}, "")
        elif cell.id in outcomes:
            outcome = outcomes[cell.id]
        else:
            counts["pending"] += 1
            continue
        shared = identity(cell) | {
            "status": outcome.status,
            "reason": outcome.reason,
            "theta": outcome.theta,
        }
        records += [
            shared | retimed(row, times.get((cell.id, json.dumps(outcome.environment)), []))
            for row in outcome.rows or [{}]
        ]
    table = pd.DataFrame(records, columns=[*COLUMNS, "without"]).astype(
        dict.fromkeys(WHOLE, "Int64")
    )
    table = judged(table.sort_values(SORTED_BY, kind="stable", na_position="first"))
    worst = table.groupby("cell").status.agg(lambda each: max(each, key=list(counts).index))
    counts |= worst.value_counts().to_dict()
    write_atomically(folder / "measurements.csv", table[list(COLUMNS)].to_csv(index=False))
    write_atomically(
        folder / "leave_one_out.csv", left_out(table).to_csv(index=False, float_format="%.10g")
    )
    manifest = {
        "schema": 1,
        "sweep": plan.sweep.model_dump(by_alias=True, exclude_none=True),
        "cells": counts,
        "git": git_state(),
        "environments": distinct(
            [outcomes[c.id].environment for c in plan.measurable if c.id in outcomes]
        ),
        "precision": plan.sweep.dtype,
        "confidence": intervals.CONFIDENCE,
        "theta": {
            f"{cell.problem.label} {cell.point}": outcomes[cell.id].theta
            for cell in plan.measurable
            if cell.id in outcomes and outcomes[cell.id].theta
        },
        "problem_revisions": {
            choice.name: problem.revision for choice, problem in plan.problems.items()
        },
        "checksums": {
            name: sha256((folder / name).read_bytes()).hexdigest()
            for name in ("measurements.csv", "leave_one_out.csv")
        },
    }
    write_atomically(
        folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    )
    return counts


def retimed(row: dict[str, Any], seconds: list[float]) -> dict[str, Any]:
    """A row with the times of `gradest time` in place of its own; as it was where there are not two processes' yet."""
    if len(seconds) < 2 or "variance" not in row:
        return row
    time = intervals.over_processes(seconds)
    work = intervals.product(
        Interval(row["variance"], row["variance_low"], row["variance_high"]), time
    )
    times = bounds("seconds", time) | {"timing_processes": len(seconds)}
    return row | times | bounds("work_normalised_variance", work)


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with what only the whole sweep says: which biases are discoveries, which tails show at another L."""
    from scipy.stats import false_discovery_control  # imports for half a second

    table = table.assign(bias_q=np.nan, bias_finding=None)
    # by what they claim: many that are biased and say so would lower the bar for those that claim
    # none
    for _, rows in table[table.bias_p.notna()].groupby("unbiased"):
        q = false_discovery_control(rows.bias_p.astype(float))
        findings = {
            "biased": q < FALSE_DISCOVERIES,
            "equivalent": rows.equivalence_p < FALSE_DISCOVERIES,
        }
        table.loc[rows.index, "bias_q"] = q
        table.loc[rows.index, "bias_finding"] = np.select(
            list(findings.values()), list(findings), "none found"
        )
    for _, rows in table.groupby([*SORTED_BY[:-1]], sort=False):
        seen = rows[(rows.status == "unreliable") & (rows.tail_index_high < 4)]
        if len(seen):
            first = seen.loc[seen.num_samples.idxmin()]
            # an average of draws has the tail of one draw, but shows it only among many more
            # replicates
            heavy = (rows.status == "ok") & (rows["kurtosis"] > tails.HEAVY_TAIL)
            hidden = rows.index[heavy & (rows.num_samples > first.num_samples)]
            table.loc[hidden, "status"] = "unreliable"
            table.loc[hidden, "reason"] = (
                f"tail index {first.tail_index:.1f} at L = {first.num_samples}: so at every L"
            )
    return table


def left_out(table: pd.DataFrame) -> pd.DataFrame:
    """leave_one_out.csv: a row for each cell, group and batch."""
    parts = [
        pd.DataFrame(
            {"cell": row.cell, "group": row.group, "batch": range(int(row.batches))} | row.without
        )
        for row in table[table.without.notna()].itertuples()
    ]
    return pd.concat([pd.DataFrame(columns=list(LEFT_OUT_COLUMNS)), *parts], ignore_index=True)


def identity(cell: Cell) -> dict[str, Any]:
    """The columns that say which cell a row belongs to."""
    return {
        "cell": cell.id,
        "problem": cell.problem.name,
        "problem_args": cell.problem.json,
        "estimator": cell.estimator.name,
        "estimator_args": cell.estimator.json,
        "point": cell.point,
        "num_samples": cell.num_samples,
        "replicates": cell.replicates,
        "seed": cell.seed,
        "dtype": cell.dtype,
    }


def distinct(items: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without repetitions, in order."""
    return [json.loads(text) for text in dict.fromkeys(json.dumps(item) for item in items)]


def write_atomically(path: Path, text: str) -> None:
    """So that a killed run leaves the old file or the new one, never half of one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def use_caches(plan: Plan) -> None:
    """Compiled programs are kept in the user's cache folder: a second run compiles nothing.

    Where everything is ours it traces nothing either. What a user's own classes are traced from we
    cannot know: there JAX's own cache has the last word, and only one of the two can be used.
    """
    things = (*plan.problems.values(), *plan.estimators.values())
    if all(is_ours(type(thing)) for thing in things):
        keep_in(cache_folder() / "programs")
    else:
        use_compilation_cache()


def use_compilation_cache() -> None:
    """JAX keeps what it compiled in the user's cache folder."""
    keep_in(None)
    let_jax_keep_in(cache_folder() / "xla")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
