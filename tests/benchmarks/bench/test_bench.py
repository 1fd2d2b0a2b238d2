"""`make bench`: its arithmetic on made numbers, and one cell from end to end; no time is tested."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.bench.speed import __main__ as command
from gradest.benchmarks.bench.speed import compile_times, growth, throughput
from gradest.benchmarks.bench.speed.__main__ import main
from gradest.benchmarks.bench.speed.figure import with_f
from gradest.benchmarks.bench.speed.page import against_samples, bench_page
from gradest.benchmarks.bench.speed.roofline import quickest, sampler_of, share
from gradest.benchmarks.bench.speed.targets import TARGETS, Target, verdicts
from gradest.benchmarks.bench.speed.whole_runs import run_command
from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.measurement import rounds
from gradest.benchmarks.runtime.program_cache import use_compilation_cache
from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.distributions import fine_noise


@pytest.mark.parametrize(
    ("name", "sampler"),
    [("gaussian_square", jax.random.normal), ("bernoulli_square", fine_noise.logistic)],
)
def test_the_roofline_draws_from_the_sampler_that_x_is_made_with(name, sampler):
    toy = problem(name, dim=3)
    assert sampler_of(toy, toy.init_params(jax.random.key(0))) is sampler


def test_a_roofline_is_the_time_of_its_numbers_in_the_fastest_shape():
    seconds = {"a": [3.0, 9.0, 3.0], "b": [2.0, 2.5, 4.0], "ours": [20.0, 20.0, 40.0]}
    each = quickest(seconds, {"a": None, "b": None})
    assert each.tolist() == [2.0, 2.5, 4.0], "the one with the least median, in every round"
    assert share(4 * each, seconds["ours"]).tolist() == [0.4, 0.5, 0.4]
    assert np.isnan(share(0 * each, seconds["ours"])).all(), "what draws nothing has no roofline"


def test_the_roofline_counts_the_numbers_that_an_estimator_states(monkeypatch):
    """So many numbers at the time of one, and so many evaluations of f at the time of one."""
    monkeypatch.setattr(throughput, "draws_alone", lambda sampler: {"normal": None})
    monkeypatch.setattr(throughput, "evaluations_of_f", lambda name, dim: {"f": None})
    cell = throughput.BenchCell("gaussian_square", 10, 16)
    toy, params = throughput.built(cell.problem, cell.dim)
    candidate = throughput.BENCHED_ESTIMATORS["measure_valued"]
    timed = throughput.TimedCell(cell, toy, params, {"m": candidate}, {})
    seconds = {"normal": [1.0, 2.0], "f": [3.0, 1.0], "m": [1000.0, 4000.0]}
    shares = throughput.against_roofline(timed).shares("m", seconds)
    draws, evaluations = 6 * 16 * 10, 4 * 16 * 10
    assert shares["of_floor"].tolist() == [draws / 1000, draws * 2 / 4000]
    assert shares["of_floor_with_f"].tolist() == [
        (draws + evaluations * 3) / 1000,
        (draws * 2 + evaluations) / 4000,
    ]


def test_an_exponent_is_that_of_the_rounds_whatever_the_machines_mood():
    sizes, mood = np.array([1, 4, 16, 64]), np.array([[1], [1.1], [3], [0.9], [1], [7]])
    found = growth.exponent(sizes, mood * sizes**1.3)
    assert found == pytest.approx((1.3, 1.3, 1.3))
    one_off = mood * sizes**1.0
    one_off[0, -1] *= 64
    found = growth.exponent(sizes, one_off)
    assert found.value == pytest.approx(1.0)
    assert found.high == pytest.approx(1 + 0.3 * 3), "the range of six rounds is the interval"


def test_rounds_begin_in_turn_after_all_are_warm(monkeypatch):
    monkeypatch.setattr(growth, "ROUNDS", 2)
    order = []
    seconds = growth.in_rounds([lambda name=name: order.append(name) for name in "abc"])
    assert "".join(order) == "abc" + "abc" + "bca"
    assert seconds.shape == (2, 3)
    assert (seconds > 0).all()


THROUGHPUT = pd.DataFrame(
    {
        "problem": ["a", "a", "a", "vae"],
        "estimator": ["e", "e", "m", "e"],
        "dim": [1, 10, 100, 8],
        "num_samples": [1, 1, 16, 4],
        "of_floor": [0.45, 0.9, 0.4, math.nan],
        "of_floor_with_f": [0.5, 0.9, 0.8, math.nan],
        "of_network": [math.nan, math.nan, math.nan, 0.7],
    }
)


def judged(text, tables):
    (found,) = [verdict for verdict in verdicts(tables) if text in verdict.text]
    return found.measured, found.verdict


def test_targets_are_met_missed_or_not_measured():
    tables = {
        "throughput": THROUGHPUT,
        "recompilations": pd.DataFrame({"compilations": [0, 2]}),
        "compile": pd.DataFrame({"seconds": [0.1, 0.5, 9.0]}),
        "default": pd.DataFrame(
            {"cache": ["cold", "warm", "warm"], "seconds": [80.0, 29, 31], "peak_mib": [1, 3000, 2]}
        ),
        "memory": pd.DataFrame({"replicates": [1e5, 1e7, math.nan], "peak_mib": [500.0, 540, 900]}),
        "growth": pd.DataFrame({"axis": ["R", "R", "L"], "exponent": [1.04, 0.94, 0.5]}),
    }
    assert judged("D ≥ 10: at least 0.6 of the roofline, ", tables) == ("0.6", "met")
    assert judged("no cell under 0.35 of the roofline with f", tables) == ("0.8", "met")
    assert judged("D = 1: at least 0.5 of the roofline, ", tables) == ("0.45", "missed")
    assert judged("D = 1: at least 0.5 of the roofline with f", tables) == ("0.5", "met")
    assert judged("compilation", tables) == ("0.5 s", "met")
    assert judged("nothing compiled", tables) == ("2", "missed")
    assert judged("empty cache", tables) == ("80 s", "met")
    assert judged("`default` again", tables) == ("31 s", "missed")
    assert judged("`default`: under", tables) == ("3,000 MiB", "missed")
    assert judged("R = 10,000,000 at D", tables) == ("540 MiB", "met")
    assert judged("flat in R", tables) == ("1.08", "met")
    assert judged("short presets", tables) == ("900 MiB", "met")
    assert judged("∝ R past", tables) == ("0.94", "missed")
    assert judged("∝ R·L past", tables) == ("–", "not measured")
    assert {verdict.verdict for verdict in verdicts({})} == {"not measured"}
    assert {target.table for target in TARGETS} == set(tables)


def test_a_bound_is_kept_at_the_bound():
    tables = {"t": pd.DataFrame({"x": [2.0]})}
    bounds = [(2.0, 3.0), (1.0, 2.0), (2.1, 3.0), (1.0, 1.9)]
    targets = tuple(Target("t", "x", lambda t: t.x.item(), low, high) for low, high in bounds)
    assert [found.verdict for found in verdicts(tables, targets)] == [
        "met",
        "met",
        "missed",
        "missed",
    ]


def test_the_page_has_the_targets_and_the_tables_that_are_there():
    page = bench_page({"throughput": THROUGHPUT}, "On paper.")
    assert "Written by `make bench`. On paper." in page
    assert page.count("## ") == 1
    assert "| a | e | 1 | 0.45 | – |" in page
    assert "| vae | e | 8 | 0.70 |" in page
    assert "vae" not in against_samples(THROUGHPUT, "of_floor")


def test_every_section_has_its_table():
    tables = {
        "compile": pd.DataFrame(
            {
                "problem": ["a[k=1]", "a[k=2]", "b"],
                "seconds": [0.2, 0.4, 3.0],
                "estimates_seconds": [0.1, 0.3, 2.0],
                "sums_seconds": [0.1, 0.0, 1.0],
                "adapt_seconds": [0.0, 0.1, 0.0],
            }
        ),
        "recompilations": pd.DataFrame({"problem": ["A"], "changed": ["k"], "compilations": [0]}),
        "default": pd.DataFrame(
            {
                "cache": ["cold", "warm"],
                "seconds": [80.0, 30.0],
                "measuring_seconds": [70.0, 20.0],
                "peak_mib": [1e3, 9e2],
            }
        ),
        "memory": pd.DataFrame(
            {
                "run": ["toy", "quick"],
                "replicates": [1e7, math.nan],
                "peak_mib": [540.0, 500.0],
                "seconds": [9.0, 8.0],
            }
        ),
        "growth": pd.DataFrame(
            [growth.row("R", "pathwise", [1, 4, 16], np.array([[1.1, 4.1, 16.1]] * 6))]
        ),
    }
    page = bench_page(tables, "")
    assert "| all | 3 | 0.40 | 2.48 | 3.00 | 0.30 | 0.10 | 0.00 |" in page
    assert "| a | 2 |" in page
    assert "| A | k | 0 |" in page
    assert "| warm | 30.0 | 20.0 | 900 |" in page
    assert "| toy | 10,000,000 | 540 | 9.00 |" in page
    assert "| R | pathwise | 1 to 16 | 0.9679 | 1.10 | 16.1 | 0.1 |" in page


def test_f_is_drawn_where_it_matters():
    assert with_f(THROUGHPUT).tolist()[:3] == pytest.approx([math.nan, math.nan, 0.8], nan_ok=True)


def test_only_new_programs_are_counted_as_compiled():
    with compile_times.compilations() as counted:
        jax.jit(lambda x: x + 17)(jnp.ones(3))
    before = len(counted)
    jax.jit(lambda x: x + 18)(jnp.ones(3))
    assert before == len(counted) >= 1


def test_compilation_is_timed_without_the_cache_and_the_cache_is_used_again_after(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path))
    settings = {name: getattr(jax.config, name) for name in CACHE_SETTINGS}
    use_compilation_cache()
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    compile_times.compilation_cache.reset_cache()

    def files_after():
        jax.clear_caches()
        jax.jit(lambda x: jnp.sin(x) + 19)(jnp.ones(3))
        found = len(list(tmp_path.rglob("*-cache")))
        for path in tmp_path.rglob("*-cache"):
            path.unlink()
        return found

    try:
        assert files_after() > 0
        with compile_times.nothing_cached():
            assert files_after() == 0
        assert files_after() > 0
    finally:
        for name, value in settings.items():
            jax.config.update(name, value)
        compile_times.compilation_cache.reset_cache()


CACHE_SETTINGS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


def test_another_number_compiles_nothing():
    found = pd.DataFrame(compile_times.recompilations())
    assert set(found.changed) == {"k", "t", "temperature", "θ", "seed", "R"}
    assert (found.compilations == 0).all(), found


def test_sums_of_the_same_shapes_are_compiled_once(monkeypatch):
    before = jax.config.jax_enable_compilation_cache
    rows = compile_times.compile_rows("quick")
    first, second = next(rows), next(rows)
    rows.close()
    assert first["seconds"] == pytest.approx(first["estimates_seconds"] + first["sums_seconds"])
    assert first["sums_seconds"] > 0
    assert second["problem"] == first["problem"]
    assert second["sums_seconds"] == 0
    assert jax.config.jax_enable_compilation_cache == before


@pytest.mark.slow
def test_a_process_of_its_own_says_its_memory_and_what_went_wrong(tmp_path):
    ran = run_command("plan", "quick", cache=tmp_path)
    assert "22 cells to measure" in ran.out
    assert 50 < ran.peak_mib < 2000
    with pytest.raises(
        GradestError, match=r"gradest plan quikc ended with status 2: .*did you mean quick\?"
    ):
        run_command("plan", "quikc", cache=tmp_path)


@pytest.fixture
def bench(tmp_path, monkeypatch, capsys):
    """Runs the command with the shortest of timings: status, stdout, stderr."""
    monkeypatch.setattr(rounds, "CALL_SECONDS", 1e-4)
    monkeypatch.setattr(rounds, "PAUSE", 0.0)
    monkeypatch.setattr(rounds, "ROUNDS", 2)

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--output", str(tmp_path / "bench")])
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.mark.slow
def test_one_cell_from_end_to_end(bench, tmp_path):
    words = (
        "--problem",
        "bernoulli_square",
        "--estimator",
        "gumbel_softmax",
        "--estimator",
        "measure_valued",
    )
    status, out, err = bench(*words, "--dim", "1", "--num-samples", "16")
    assert status == 0, err
    assert "| D = 1: at least 0.5 of the roofline, mean |" in out
    folder = tmp_path / "bench"
    wanted = {"throughput.csv", "bench.json", "bench.md", "bench.png", "bench.pdf", "bench.svg"}
    assert {path.name for path in folder.iterdir()} == wanted
    table = pd.read_csv(folder / "throughput.csv").set_index("estimator")
    assert set(table.index) == {"gumbel_softmax", "measure_valued"}
    assert math.isnan(table.of_floor["measure_valued"]), "it draws nothing"
    gumbel = table.loc["gumbel_softmax"]
    assert 0 < gumbel.of_floor_low <= gumbel.of_floor <= gumbel.of_floor_high
    assert gumbel.of_floor < gumbel.of_floor_with_f
    conditions = json.loads((folder / "bench.json").read_text())
    assert list(conditions) == ["throughput"]
    assert conditions["throughput"]["hardware"]["cores"] >= 1


@pytest.mark.slow
def test_a_network_is_compared_with_its_own_passes(bench, tmp_path):
    status, _, err = bench(
        "--problem", "vae_gaussian", "--estimator", "pathwise", "--num-samples", "1"
    )
    assert status == 0, err
    (row,) = pd.read_csv(tmp_path / "bench" / "throughput.csv").itertuples()
    assert 0 < row.of_network_low <= row.of_network <= row.of_network_high
    assert not (tmp_path / "bench" / "bench.png").exists(), "the figure is of the roofline"


def test_what_is_measured_is_written_at_once_and_the_rest_stays(tmp_path):
    def broken():
        yield {"axis": "R", "exponent": 1.0}
        raise KeyboardInterrupt

    recompiled = {"recompilations": lambda: [{"problem": "a", "changed": "k", "compilations": 0}]}
    sections = {"compile": recompiled, "growth": {"growth": broken}}
    with pytest.raises(KeyboardInterrupt):
        command.bench(sections, tmp_path)
    assert (
        "| nothing compiled where only numbers change | 0 | met |"
        in (tmp_path / "bench.md").read_text()
    )
    assert list(pd.read_csv(tmp_path / "growth.csv").exponent) == [1.0]
    assert list(json.loads((tmp_path / "bench.json").read_text())) == ["compile"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--only", "throughputt"],
            "--only 'throughputt': expected one of throughput, compile, default, memory, growth;",
        ),
        (["--problem", "gausian_square"], "did you mean gaussian_square?"),
        (["--estimator", "pathwize"], "did you mean pathwise?"),
        (["--dim", "0"], "--dim 0: expected an integer of at least 1"),
        (["--num-samples", "few"], "'few' is not a valid integer"),
        (["--only", "growth", "--dim", "3"], "--only growth: expected throughput with --problem"),
        (
            ["--problem", "bernoulli_square", "--estimator", "pathwise"],
            "expected one for a problem and L",
        ),
    ],
)
def test_bad_input_is_one_line(bench, tmp_path, words, said):
    status, out, err = bench(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "bench").exists()


def test_the_estimators_of_the_bench_are_those_of_the_issue():
    """Score function with each baseline that needs no network and no more draws, and each other
    classic once."""
    from gradest.estimators.score_function.baselines import BASELINES

    benched = throughput.BENCHED_ESTIMATORS
    scored = {name for name in benched if name.startswith("score_function")}
    assert len(scored) == len(BASELINES) - 2
    assert set(benched) - scored == {
        "pathwise",
        "measure_valued",
        "gumbel_softmax",
        "straight_through_gumbel",
        "straight_through",
    }
    mean = estimator("score_function", baseline="mean")
    assert benched["score_function[mean]"].baseline == mean.baseline
