"""`gradest recommend`: what it prints, writes and refuses."""

import json
import shutil
import tomllib
from functools import partial
from pathlib import Path

import pytest

from gradest.benchmarks.cli import recommendations
from gradest.benchmarks.learning_curves.short_training import short_training
from gradest.benchmarks.recommending import measured
from gradest.estimators import ESTIMATORS, estimator
from tests.support.made_errors import row
from tests.support.made_runs import PATHWISE, PLAIN, write

EXAMPLES = Path(__file__).parents[2] / "support" / "examples"


class Raises(ESTIMATORS["score_function"]):
    def estimate(self, problem, params, state, key, num_samples):
        raise RuntimeError("not today")


@pytest.fixture
def few(monkeypatch):
    """Three candidates in place of all."""
    chosen = [estimator(name) for name in ("pathwise", "measure_valued", "rloo", "arm")]
    monkeypatch.setattr(recommendations, "every_candidate", lambda: chosen)
    return chosen


def test_it_answers_in_json_and_writes_a_sweep_that_can_be_planned(run_command, few, tmp_path):
    words = ("recommend", "gaussian_square[k=2]", "--samples", "4", "--group", "mean")
    status, out, err = run_command(*words, "--json")
    assert status == 0
    answer = json.loads(out)
    assert answer["problem"] == "gaussian_square[k=2.0]"
    # ∂/∂μ at μ = σ = 1, k = 2: pathwise 4/L, the measure-valued one less
    names = [each["estimator"] for each in answer["ranking"]]
    assert set(names) == {"pathwise", "measure_valued", "score_function"}
    assert "round 1 of at most 7" in err
    assert "recommended.toml is written: a sweep of the three best" in err
    assert "Next: gradest run recommended.toml" in err
    sweep = tomllib.loads((tmp_path / "recommended.toml").read_text())
    assert sweep["problem"] == [
        {"name": "gaussian_square", "dim": 1, "k": 2.0, "mean": 1.0, "scale": 1.0}
    ]
    status, out, _ = run_command("plan", "recommended.toml")
    assert (status, out.splitlines()[0].split(":")[0]) == (0, "recommended")
    # again: the same bytes
    assert (
        run_command(*words, "--json")[1] == json.dumps(answer, indent=2, ensure_ascii=False) + "\n"
    )


def test_without_a_budget_it_says_which_it_takes(run_command, few):
    status, out, err = run_command("recommend", "gaussian_square", "--seconds", "0")
    assert status == 0
    assert "no budget is given: 128 evaluations" in err
    assert "Use " in out
    assert "arm: this estimator is made for Bernoulli variables, not Normal" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_class_of_the_users_is_recommended_for_from_its_file(run_command, few, tmp_path):
    """Its f jumps: pathwise is shown with its bias, and not recommended where it may not be."""
    (tmp_path / "sub").mkdir()
    shutil.copy(EXAMPLES / "pol.py", tmp_path / "sub" / "pol.py")
    words = ("--samples", "4", "--only-unbiased", "--seconds", "0", "-o", "best.toml")
    status, out, _ = run_command("recommend", "sub/pol.py:Policy", *words)
    assert status == 0
    assert "%: f jumps" in out
    assert "Use pathwise" not in out
    sweep = tomllib.loads((tmp_path / "best.toml").read_text())
    assert sweep["problem"] == [{"name": "sub/pol.py:Policy"}]
    assert "pathwise" not in str(sweep["estimator"])
    assert run_command("plan", "best.toml")[0] == 0
    assert not (tmp_path / "recommended.toml").exists()


def test_a_candidate_that_raises_fails_alone(run_command, few, monkeypatch):
    monkeypatch.setattr(recommendations, "every_candidate", lambda: [*few[:1], Raises()])
    words = ("gaussian_square", "--samples", "2", "--seconds", "0", "--json")
    status, out, err = run_command("recommend", *words)
    assert status == 3
    assert json.loads(out)["recommended"] == "pathwise"
    assert "not today" in err


def test_interrupted_it_ends_as_other_commands_do(run_command, few, monkeypatch):
    def interrupt(text, cells):
        raise KeyboardInterrupt

    monkeypatch.setattr(recommendations, "announced", interrupt)
    status, out, err = run_command("recommend", "gaussian_square", "--samples", "2")
    assert (status, out) == (130, "")
    assert "interrupted; nothing was changed" in err


@pytest.fixture
def folder(tmp_path):
    """A finished run of Gaussian square at two k."""
    problems = [
        ("gaussian_square", {"dim": 1, "k": k, "mean": 1.0, "scale": 1.0}) for k in (3.0, 5.0)
    ]
    rows = [
        row(error, name, problem=problem)
        for problem in problems
        for name, error in ((PATHWISE, 1.0), (PLAIN, 9.0))
    ]
    return write(tmp_path / "results" / "mine", rows)


def test_a_finished_run_answers_without_measuring(run_command, folder):
    words = ("recommend", "gaussian_square", "--from", "mine", "--samples", "16")
    status, out, err = run_command(*words, "--json")
    assert status == 0
    assert [each["recommended"] for each in json.loads(out)["answers"]] == ["pathwise"] * 2
    assert "round" not in err
    status, out, _ = run_command(*words, "--at", "k=5", "--no-grad-f", "--json")
    assert json.loads(out)["recommended"] == "score_function"
    assert json.loads(out)["problem"] == "gaussian_square[k=5.0]"
    # nothing is written where nothing is measured, but where a file is named
    folders = [folder, folder.parent, folder.parent.parent]
    assert not [path for each in folders for path in each.glob("recommended*")]
    assert run_command(*words, "-o", "best.toml")[2].startswith("best.toml is written")
    assert (folder.parent.parent / "best.toml").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gaussian_squar"], "problem 'gaussian_squar': did you mean gaussian_square? expected a"),
        (["zzzz"], "problem 'zzzz': expected a problem that `gradest list` shows, or module:Class"),
        (["RLOO"], "'RLOO' is an estimator: expected a problem that `gradest list` shows"),
        (["rloo[a=1]"], "'rloo' is an estimator: expected a problem"),
        (["pol"], "problem 'pol' is a module: expected a class of it: pol:"),
        (["pol.py"], "problem 'pol.py' is a module: expected a class of it: pol.py:"),
        (["gaussian_square[kk=1]", "--samples", "2"], "unknown argument 'kk'"),
        (["gaussian_square", "--at", "k", "--samples", "2"], "--at 'k': expected argument=value"),
        (["gaussian_square", "--budget", "1ms", "--samples", "2"], "budget, samples: expected one"),
        (
            ["gaussian_square", "--budget", "1 parsec"],
            "'1 parsec': expected a time with its unit, such as 1ms",
        ),
        (["gaussian_square", "--group", "meen", "--samples", "2"], "did you mean mean"),
        (["gaussian_square", "--evaluations", "0"], "expected a number above 0"),
        (["gaussian_square", "--seconds", "-1"], "--seconds -1: expected a number from 0 on"),
        (
            ["vae_bernoulli", "--from", "mine"],
            "no problem 'vae_bernoulli': expected one of gaussian",
        ),
        (["gaussian_square", "--from", "nine"], "did you mean mine"),
        (["gaussian_square", "--from", "mine", "--samples", "1"], "within the budget"),
        (["gaussian_square", "--from", "mine", "--seconds", "3"], "only without --from"),
        (["gaussian_square", "-o", "small.toml"], "move it away or choose another --output"),
        (["gaussian_square", "-o", "no/a.toml"], "-o no/a.toml: folder no is not there: expected"),
        (["gaussian_square", "--budget", "0"], "'0': expected a time with its unit, such as 1ms"),
        (["gaussian_square", "--budget", "-1ms"], "'-1ms': expected a time above 0 such as 1ms"),
        (["nowhere:Policy"], "no module nowhere"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(words, said, run_command, folder):
    shutil.copy(EXAMPLES / "pol.py", folder.parent.parent / "pol.py")
    status, out, err = run_command("recommend", *words)
    assert (status, out) == (2, "")
    assert said in err
    assert err.startswith("gradest: ")
    assert len(err.splitlines()) == 1  # no note before it


def test_a_budget_that_pays_for_nothing_is_said(run_command, monkeypatch):
    chosen = [estimator("measure_valued")]
    monkeypatch.setattr(recommendations, "every_candidate", lambda: chosen)
    status, out, err = run_command("recommend", "gaussian_square", "--evaluations", "3")
    assert (status, out) == (2, "")
    assert "pays for no estimator: expected a larger budget" in err


def test_confirm_trains_the_best_three_and_says_whether_the_order_holds(
    run_command, few, monkeypatch
):
    monkeypatch.setattr(measured, "short_training", partial(short_training, steps=20))
    words = ("recommend", "gaussian_square[k=2]", "--samples", "4", "--seconds", "0", "--confirm")
    status, out, err = run_command(*words, "--json")
    assert status == 0
    answer = json.loads(out)
    ranked = [each["estimator"] for each in answer["ranking"]]
    confirmed = answer["confirmed"]
    assert confirmed["steps"] == 20
    assert confirmed["seeds"] == 5
    assert len(confirmed["order"]) == len(ranked[:3])
    assert confirmed["holds"] in (True, False, None)
    assert "training the best" in err
    assert "confirmed" not in json.loads(run_command(*words[:-1], "--json")[1])
    text = " ".join(run_command(*words)[1].split())
    assert "Trained for 20 steps with 5 seeds: " in text


def test_confirm_of_a_run_trains_the_problem_that_it_names(run_command, monkeypatch, tmp_path):
    monkeypatch.setattr(measured, "short_training", partial(short_training, steps=5))
    rows = [row(1.0, PATHWISE), row(9.0, PLAIN)]
    write(tmp_path / "results" / "mine", rows)
    words = ("recommend", "gaussian_square", "--from", "mine", "--samples", "16", "--confirm")
    status, out, _ = run_command(*words, "--json")
    assert status == 0
    assert json.loads(out)["confirmed"]["seeds"] == 5
