"""The command line: its statuses, one clear line for each error, and no JAX for --help."""

import json
import re
import subprocess
import sys

import pytest

from gradest.benchmarks.cli import plans
from gradest.benchmarks.cli.main import main
from gradest.benchmarks.cli.progress import console_of_stderr
from gradest.benchmarks.errors import ExitStatus
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from tests.support.folders import read_measurements
from tests.support.sweeps import GOOD_SWEEP


def test_run_status_report_and_rerun(run_command, tmp_path):
    status, out, _ = run_command("status", "small.toml", "--json")
    assert status == 0
    assert json.loads(out)["cells"]["ok"] == 0
    status, out, err = run_command("run", "small.toml", "--json")
    assert status == 0
    summary = json.loads(out)
    assert summary["folder"] == "results/small"
    measured = summary["cells"]["ok"] + summary["cells"]["unreliable"]
    assert "skipped 1 cell: pathwise on bernoulli_square: Bernoulli has no differentiable" in err
    folder = tmp_path / "results" / "small"
    for name in (
        "store.sqlite",
        "measurements.csv",
        "manifest.json",
        "figures",
        "tables",
        "numbers.tex",
    ):
        assert (folder / name).exists()
    table = (folder / "measurements.csv").read_bytes()
    status, out_of_status, _ = run_command("status", "small.toml")
    assert f"{summary['cells']['ok']} ok" in out_of_status
    status, out, _ = run_command("report", "small")
    assert status == 0
    assert "figures/performance_profile" in out
    assert out.splitlines()[-1] == "Read results/small/summary.md first."
    assert summary["summary"] == "results/small/summary.md"
    assert (folder / "summary.md").exists()
    said = run_command("run", "small.toml")[1].splitlines()
    assert said[1:-1] == summary["headlines"]
    assert said[-1] == "Read results/small/summary.md first."
    # no time is another, so that nothing was measured again
    assert (folder / "measurements.csv").read_bytes() == table
    # a run by its name or its folder, with a store or without; cells of other settings are said
    assert run_command("status", "small")[1] == out_of_status
    _, out, _ = run_command("status", "small.toml", "--replicates", "1000")
    assert out.splitlines()[1] == f"{measured} cells of other settings there"
    (folder / "store.sqlite").unlink()
    assert run_command("status", "results/small")[1] == out_of_status


@pytest.mark.slow
def test_extend(run_command, tmp_path):
    for words, message in (
        (("extend", "small", "--replicates", "4000"), "its measurements.csv is not there"),
        (("extend", "small"), "Missing option '--replicates'"),
    ):
        status, _, err = run_command(*words)
        assert status == 2
        assert message in err
    (tmp_path / "tiny.toml").write_text(
        GOOD_SWEEP.replace("4000", "400").replace("800", "80").replace("[1, 4]", "[4]")
    )
    assert run_command("run", "tiny.toml", "-o", "tiny")[0] == 0
    status, _, err = run_command("extend", "tiny", "-o", "tiny", "--replicates", "401")
    assert status == 2
    assert "expected a multiple of 5" in err
    assert run_command("extend", "tiny", "-o", "tiny", "--replicates", "-800")[0] == 2
    assert (
        json.loads(run_command("extend", "tiny", "-o", "tiny", "--replicates", "400", "--json")[1])[
            "cells"
        ]["ok"]
        == 8
    )
    table = read_measurements(tmp_path / "tiny")
    assert set(table.replicates) == {800, 160}
    assert (
        run_command(
            "run", "tiny.toml", "-o", "other", "--precision", "0.3", "--max-replicates", "800"
        )[0]
        == 0
    )
    status, _, err = run_command("extend", "other", "-o", "other", "--replicates", "400")
    assert status == 2
    assert "smaller --precision" in err


def test_list_json(run_command):
    status, out, _ = run_command("list", "--json")
    table = json.loads(out)
    assert status == 0
    assert set(table) == {"problems", "estimators", "presets", "caveats", "purposes", "supports"}
    assert table["problems"] == list(PROBLEMS)
    assert table["estimators"] == list(ESTIMATORS)
    assert table["supports"]["gaussian_square"]["pathwise"] is None
    assert "no differentiable draw" in table["supports"]["bernoulli_square"]["pathwise"]


def test_the_long_list_is_a_table(run_command):
    lines = run_command("list", "--long")[1].splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "estimator",
        *ESTIMATORS,
        "problem",
        *PROBLEMS,
    ]


def test_a_list_is_filtered_in_each_form(run_command):
    asked = ("list", "--variable", "Bernoulli", "--unbiased")
    table = json.loads(run_command(*asked, "--json")[1])
    short, full = (run_command(*asked, *more)[1] for more in ((), ("--long",)))
    assert "disarm" in table["estimators"]
    assert not {"pathwise", "straight_through"} & set(table["estimators"])
    for text in (short, full):
        names = {line.split()[0] for line in text.splitlines() if line}
        assert {*table["estimators"], *table["problems"]} <= names
        assert not {"pathwise", "straight_through", "gaussian_square"} & names
    status, _, err = run_command("list", "--variable", "Bernouli")
    assert (status, "did you mean Bernoulli?" in err) == (2, True)


def test_describe_has_formulas_in_unicode_or_in_tex(run_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = run_command("describe", "reinforce")[1]
    assert "∇_θ log q_θ(xₗ)" in text
    assert not set(text) & set("\\${}^")
    assert max(map(len, text.splitlines())) <= 60
    assert r"\nabla_\theta \log" in run_command("describe", "reinforce", "--tex")[1]


@pytest.mark.parametrize("name", [*PROBLEMS, *ESTIMATORS, "quick"])
def test_describe(run_command, name):
    status, out, _ = run_command("describe", name)
    assert status == 0
    assert name in out
    assert json.loads(run_command("describe", name, "--json")[1])["name"] == name


def test_plan_measures_nothing(run_command, tmp_path):
    status, out, _ = run_command("plan", "small.toml")
    assert status == 0
    assert "cells to measure" in out
    assert not (tmp_path / "results").exists()
    assert "about " in out
    assert "gaussian_square[k=-3.0], init: " in out
    assert {"draws", "f_evals", "grad_evals", "cells", "seconds", "disk_bytes", "places"} <= set(
        json.loads(run_command("plan", "small.toml", "--json")[1])
    )


def test_plan_has_a_line_for_each_trained_point(run_command):
    words = ("plan", "default", "-p", "vae_gaussian", "-p", "gaussian_square")
    status, out, _ = run_command(*words)
    assert status == 0
    place = "vae_gaussian[num_images=8,train_steps=1000]"
    assert [line for line in out.splitlines() if "θ of" in line] == [f"θ of {place}: shipped"]
    assert json.loads(run_command(*words, "--json")[1])["points"] == {place: "shipped"}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["run", "quik"], 2, "did you mean quick?"),
        (["rum"], 2, "command 'rum': did you mean run? expected one of run, merge, extend"),
        (["run", "--sed", "1"], 2, "--sed"),
        (["run", "small.toml", "--replicates", "-1"], 2, "--replicates = -1: expected"),
        (["run", "small.toml", "--replicates", "39"], 2, "--replicates = 39: expected"),
        (["run", "small.toml", "--seed", "x"], 2, "'x' is not a valid integer"),
        (["run", "small.toml", "-o", "small.toml/below"], 2, "cannot be written"),
        (["report", "nothing"], 2, "is not there"),
        (["describe", "pathwize"], 2, "did you mean pathwise?"),
        (["run", "small.toml", "-e", "bandit"], 2, "-e 'bandit': 'bandit' is a problem: expected"),
        (
            ["new", "problem", "mine", "-o", "no/mine.py"],
            2,
            "-o no/mine.py: folder no is not there",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_two(run_command, words, status, message):
    found, out, err = run_command(*words)
    assert found == status
    assert message in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_a_damaged_store_is_status_five_and_a_used_one_six(run_command, tmp_path):
    folder = tmp_path / "results" / "small"
    folder.mkdir(parents=True)
    (folder / "store.sqlite").write_bytes(b"no database at all" * 100)
    for command in ("run", "status"):
        status, _, err = run_command(command, "small.toml")
        assert status == 5
        assert "damaged" in err
    from gradest.benchmarks.sweeps.store import open_store

    with open_store(tmp_path / "held"):
        assert run_command("run", "small.toml", "-o", "held")[0] == 6


def test_failed_cells_are_status_three(run_command, monkeypatch):
    from gradest.benchmarks.cells import measuring as cell

    def explode(*args, **kwargs):
        raise FloatingPointError("not finite")

    monkeypatch.setattr(cell, "measure", explode)
    status, _, err = run_command("run", "small.toml")
    assert status == 3
    assert "failed" in err
    assert run_command("status", "small.toml")[0] == 3


def test_our_own_fault_is_status_one_and_a_traceback_only_on_demand(run_command, monkeypatch):
    from gradest.benchmarks.cli import plans

    nothing = {}  # no function of the tests, whose frame would be a user's
    monkeypatch.setattr(plans, "description", nothing.__getitem__)
    status, _, err = run_command("describe", "pathwise")
    assert status == 1
    assert "internal error: KeyError" in err
    assert "Traceback" not in err
    with pytest.raises(KeyError):
        main(["describe", "pathwise", "--debug"])


def test_an_interrupt_keeps_what_is_finished(run_command, monkeypatch):
    from gradest.benchmarks.cells import measuring as cell

    original, calls = cell.measure, []

    def third_is_interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(cell, "measure", third_is_interrupted)
        status, _, err = run_command("run", "small.toml")
    assert status == 130
    assert "goes on from there" in err
    assert json.loads(run_command("status", "small.toml", "--json")[1])["cells"]["ok"] == 2
    assert json.loads(run_command("run", "small.toml", "--json")[1])["reused"] == 2


@pytest.mark.slow
def test_an_interrupted_drawing_does_not_ask_for_more_replicates(
    run_command, tmp_path, monkeypatch
):
    from gradest.benchmarks.cli import runs

    (tmp_path / "tiny.toml").write_text(
        GOOD_SWEEP.replace("4000", "400").replace("800", "80").replace("[1, 4]", "[4]")
    )
    assert run_command("run", "tiny.toml", "-o", "tiny")[0] == 0

    def interrupted(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_report", interrupted)
        status, _, err = run_command("extend", "tiny", "-o", "tiny", "--replicates", "400")
    assert status == 130
    assert "interrupted; all is measured; gradest report tiny draws it" in err
    assert run_command("report", "tiny")[0] == 0
    assert set(read_measurements(tmp_path / "tiny").replicates) == {800, 160}


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]])
def test_help_does_not_import_jax(words):
    code = (
        "import sys\nfrom gradest.benchmarks.cli.main import main\n"
        f"try: main({words})\nexcept SystemExit as end: assert not end.code\n"
        "assert not {'jax', 'numpy', 'matplotlib', 'pandas'} & set(sys.modules), 'slow'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "gradest" in done.stdout


def test_help_says_every_exit_status(run_command):
    out = " ".join(run_command("--help")[1].split())
    stated = re.search(r"Exit status: (.*?)\.", out)[1]
    assert [int(number) for number in re.findall(r"\d+", stated)] == list(ExitStatus)


@pytest.mark.parametrize(
    ("words", "environment", "plain"),
    [([], "", False), (["--no-color"], "", True), ([], "1", True), (["--no-color"], "1", True)],
)
def test_no_color(run_command, monkeypatch, words, environment, plain):
    monkeypatch.setenv("NO_COLOR", environment)
    consoles = []
    monkeypatch.setattr(plans, "show_plan", lambda **_: consoles.append(console_of_stderr()))
    assert run_command("plan", *words, "small.toml")[0] == 0
    assert [console.no_color for console in consoles] == [plain]


def completions(capsys, monkeypatch, *words: str) -> list[str]:
    """What a shell would offer for the last of these words."""
    monkeypatch.setenv("_GRADEST_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["gradest", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    with pytest.raises(SystemExit):
        main([])
    return [line.removeprefix("plain,") for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ru"], ["run"]),
        (["run", "qui"], ["quick"]),
        (["report", ""], ["mine"]),
        (["describe", "gaussian_s"], ["gaussian_smoothing", "gaussian_square", "gaussian_step"]),
        (["describe", "qui"], ["quick"]),
        (["check", "rao"], ["rao_blackwell"]),
        (["run", "nothing_like_it"], ["file,nothing_like_it"]),
    ],
)
def test_a_shell_completes_names(capsys, monkeypatch, tmp_path, words, offered):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "mine" / "measurements.csv").touch()
    assert completions(capsys, monkeypatch, *words) == offered


def test_a_plan_imports_nothing_that_only_draws():
    """Nor scipy.stats or scikit-learn, which take half a second each."""
    slow = "{'matplotlib', 'scipy.stats', 'sklearn', 'rich'} & set(sys.modules)"
    imports = "import sys, gradest.benchmarks.sweeps.run, gradest.benchmarks.cli.plans as plans"
    code = f"{imports}\nplans.load_plan('default')\nassert not {slow}, {slow}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["describe", "check"])
def test_a_near_miss_of_another_name_is_answered_with_it(command, run_command):
    """`describe reinforc` was answered with reinmax, another estimator, and biased."""
    status, _, err = run_command(command, "reinforc")
    assert status == 2
    assert "did you mean reinforce?" in err


def test_another_name_is_described_as_what_it_stands_for(run_command):
    status, out, _ = run_command("describe", "RLOO")
    assert status == 0
    assert out.startswith(
        "RLOO: score_function[baseline=leave_one_out]\n\nscore_function (estimator)"
    )


def test_a_sweep_may_use_other_names_and_results_hold_the_registered_ones(run_command, tmp_path):
    (tmp_path / "named.toml").write_text(
        """schema = 1
name = "named"
samples = [2]
replicates = 400
[[problem]]
name = "gaussian_square[k=3]"
[[estimator]]
name = "rloo"
[[estimator]]
name = "score_function[baseline=leave_one_out]"
[[estimator]]
name = "Reparam"
"""
    )
    status, out, _ = run_command("plan", "named.toml", "--json")
    assert status == 0
    cells = json.loads(out)["cells"]
    assert len({cell["cell"] for cell in cells}) == 2
    assert {cell["label"].split(" × ")[1] for cell in cells} == {
        "score_function L=2",
        "pathwise L=2",
    }
    (tmp_path / "contrary.toml").write_text(
        (tmp_path / "named.toml").read_text().replace('"rloo"', '"rloo"\nbaseline = "mean"')
    )
    status, _, err = run_command("plan", "contrary.toml")
    assert status == 2
    assert (
        "'rloo', which stands for score_function[baseline=leave_one_out]: baseline = 'mean'" in err
    )
