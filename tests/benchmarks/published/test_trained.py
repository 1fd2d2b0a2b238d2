"""Published numbers along training, from the sweep's file to its tables and figures."""

import math

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.analysis.verification import verify
from gradest.benchmarks.cli.plans import load_plan
from gradest.benchmarks.drawing.drawing import draw
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.published.rows import nothing_kept, published_table
from gradest.benchmarks.published.trained import Trained
from gradest.benchmarks.reproductions.curves import paper_figures
from gradest.benchmarks.reproductions.numbers import headlines, published_lines
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import Sweep, parse_sweep
from tests.support.papers import ALONG
from tests.support.sweeps import Quiet


def objective_after(steps, t=0.3, rate=0.5):
    """By hand: φ goes down (1 − 2t) p (1 − p), and E f = p (1 − t)² + (1 − p) t²."""
    phi = 0.0
    for _ in range(steps):
        p = 1 / (1 + math.exp(-phi))
        phi -= rate * (1 - 2 * t) * p * (1 - p)
    p = 1 / (1 + math.exp(-phi))
    return p * (1 - t) ** 2 + (1 - p) * t**2


TEXT = ALONG.replace("TEN", f"{objective_after(10):.6f}").replace(
    "TWENTY", f"{objective_after(20):.6f}"
)


@pytest.fixture(scope="module")
def plan():
    return resolve(parse_sweep(TEXT, "here"))


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("along")
    run_sweep(plan, folder, Quiet())
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return read_run(folder)


def test_what_agrees_and_what_does_not(run):
    found = run.published
    assert found.step.tolist() == [10, 20, 20, 0, 20]
    assert found.agrees.tolist() == [True, True, False, True, False]
    assert found.group.tolist() == ["", "", "", "logits", "logits"]
    of_exact = found[:2]
    assert of_exact.ours.tolist() == pytest.approx([objective_after(10), objective_after(20)], 1e-6)


def test_ours_is_the_mean_over_seeds(run):
    loo = run.training.query("estimator_args.str.contains('leave_one_out') and step == 20")
    assert len(loo) == 4
    number = run.published.iloc[2]
    assert number.ours == pytest.approx(loo.objective.mean())
    half = 3.182446 * loo.objective.std() / 2  # Student's t with 3 degrees of freedom
    assert number.ours_high - number.ours == pytest.approx(half)
    deviation = run.trajectory.query("step == 20").set_index("seed")
    plain = deviation[deviation.cell == run.published.cell[4]]
    root = np.sqrt(plain.variance)  # of one coordinate
    assert plain.std_mean.to_numpy() == pytest.approx(root.to_numpy())
    assert run.published.ours[4] == pytest.approx(math.exp(np.log(root).mean()))


def test_the_summary_and_the_table_name_the_step(run):
    count, first, second = headlines(run)
    assert count == "3 of 5 published numbers agree."
    assert "L = 2, step 20: published 0.5 " in first
    assert "step 20" in second
    _, header, rows = published_lines(run)
    assert [row[header.index("step")] for row in rows] == ["10", "20", "20", "0", "20"]


def test_held_out_data_are_compared_like_the_objective(plan, run):
    match = plan.published[2]
    entry = match.number.entry.model_copy(update={"metric": "held_out"})
    asked = [match._replace(number=match.number._replace(entry=entry))]
    apart = run.training.assign(held_out=run.training.objective + 1.0)
    tables = Trained(apart, run.trajectory)
    (found,) = published_table("p", asked, run.measurements, nothing_kept, tables).ours
    assert found == pytest.approx(run.published.ours[2] + 1.0)


def test_of_one_seed_ours_is_shown_without_an_interval(plan, run):
    first = Trained(run.training.query("seed == 0"), run.trajectory.query("seed == 0"))
    found = published_table("p", plan.published, run.measurements, nothing_kept, first).iloc[2]
    value = first.training.query("estimator_args.str.contains('leave_one_out') and step == 20")
    assert found.ours == value.objective.item()
    assert math.isnan(found.ours_low)
    assert found.not_counted == "not known"


def test_figures_along_training(run):
    loss, spread = paper_figures(run)
    (panel,) = loss.panels
    exact, loo = panel.series
    assert exact.x == (0.0, 5.0, 10.0, 15.0, 20.0)
    assert exact.value[2] == pytest.approx(objective_after(10))
    assert loo.low[4] < loo.value[4] < loo.high[4]
    assert panel.y.limits == (0.1, 0.6)
    theirs = {series.label: (series.x, series.value) for series in panel.published}
    assert theirs["RLOO"] == ((20.0,), (0.5,))
    assert theirs["exact"][0] == (10.0, 20.0)
    (plain,) = spread.panels[0].series
    assert plain.x == (0.0, 10.0, 20.0)
    assert plain.value[2] == pytest.approx(run.published.ours[4])
    assert spread.panels[0].y.scale == "log"
    for spec in (loss, spread):
        draw(spec)


def test_a_rerun_writes_the_same_bytes(plan, folder):
    before = (folder / "published.csv").read_bytes()
    run_sweep(plan, folder, Quiet())
    assert (folder / "published.csv").read_bytes() == before
    assert verify(folder).differences == []


def test_seeds_that_cannot_be_counted_on(plan, run):
    training, trajectory = run.training, run.trajectory

    def first_of(training, trajectory):
        tables = Trained(training, trajectory)
        found = published_table("p", plan.published, run.measurements, nothing_kept, tables)
        return found.not_counted.iloc[2], found.note.iloc[2] or "", found.not_counted.iloc[4]

    one, note, other = first_of(training[training.seed == 0], trajectory[trajectory.seed == 0])
    assert (one, other) == ("not known", "not known")
    assert "one seed" in note
    ended = (training.seed == 3) & (training.step > 10)
    why = {"status": "diverged", "reason": "θ is not finite at step 15"}
    torn = training[~ended | (training.step == 15)].copy()
    torn.loc[(torn.seed == 3) & (torn.step == 15), list(why)] = list(why.values())
    rest = trajectory[~((trajectory.seed == 3) & (trajectory.step > 10))]
    one, note, other = first_of(torn, rest)
    assert (one, other) == ("not measured", "not measured")
    assert note == "ours, seed 3: diverged θ is not finite at step 15"
    unsure = trajectory.assign(status="unreliable", reason="tail index 1.0")
    assert first_of(training, unsure)[2] == "unreliable"


def test_a_part_keeps_the_numbers_of_its_steps(tmp_path):
    path = tmp_path / "along.toml"
    path.write_text(TEXT)
    shorter = load_plan(str(path), settings=["training.steps=10", "training.checkpoints=0,10"])
    assert [match.number.step for match in shorter.published] == [10, 0]
    recorded = shorter.sweep.model_dump_json(by_alias=True, exclude_none=True)
    again = resolve(Sweep.model_validate_json(recorded))
    assert [match.number.step for match in again.published] == [10, 0]


def test_a_number_changes_no_training(plan):
    bare = resolve(parse_sweep(TEXT[: TEXT.index("[[published]]")], "here"))
    assert {cell.id for cell in plan.cells} == {cell.id for cell in bare.cells}


FAULTS = {
    "{ 10 = ": ("{ 11 = ", "step = 11: expected one of .training.'s checkpoints.*nearest is 10"),
    'estimator = "rloo", step = 20': ('estimator = "rloo"', "metric objective: expected step"),
    'group = "logits"\nmetric = "std_mean"': (
        'metric = "std_mean"',
        r"published\[2\]: group is missing: expected one with metric std_mean",
    ),
    'metric = "objective"\nvalue': (
        'group = "logits"\nmetric = "objective"\nvalue',
        "group with metric objective: expected none",
    ),
    "absolute_error = 0.001": (
        "absolute_error = 0.001\nrelative_error = 0.1",
        "relative_error and absolute_error: expected one of them",
    ),
    "absolute_error = 0.001\n": ("", "expected its relative_error or absolute_error"),
    'metric = "std_mean"\nover': (
        'metric = "snr_mean"\nover',
        "metric snr_mean with a step: expected one of variance",
    ),
    "value = 0.5": ("value = 0.5\ndraws = 10", "draws with metric objective: expected none"),
    'over = "step"\nvalues = { 0': ('over = "stop"\nvalues = { 0', "did you mean step"),
    "value = 0.5\n": ("value = 0.5\nseeds = 0\n", r"published\[1\].seeds = 0"),
    "y_limits = [0.1, 0.6]": ("y_limits = [0.1]", "y_limits"),
}


@pytest.mark.parametrize("piece", FAULTS)
def test_what_cannot_be_is_one_error_that_says_so(piece):
    changed, message = FAULTS[piece]
    assert piece in TEXT
    with pytest.raises(BadInput, match=message) as raised:
        resolve(parse_sweep(TEXT.replace(piece, changed, 1), "here"))
    assert len(str(raised.value).splitlines()) == 1


def test_a_step_without_training_is_an_error():
    start, end = TEXT.index("[training]"), TEXT.index("[[published]]")
    with pytest.raises(BadInput, match=r"step = 10: expected a table \[training\]"):
        resolve(parse_sweep(TEXT[:start] + TEXT[end:], "here"))


def test_seeds_without_a_step_are_an_error():
    start = TEXT.index('over = "step"\nvalues = { 0')
    text = TEXT[:start] + TEXT[start:].replace(
        'over = "step"\nvalues = { 0 = 0.1025, 20 = 0.01 }', "value = 0.1"
    )
    with pytest.raises(BadInput, match="seeds: expected only with a step of training"):
        parse_sweep(text, "here")
