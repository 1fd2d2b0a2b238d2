"""Drawing a run: killed at any point it is mended by the next, two at a time lose nothing."""

import functools
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.analysis.verification import verify
from gradest.benchmarks.comparisons import leaderboard
from gradest.benchmarks.drawing.styles import SCREEN, STYLES
from gradest.benchmarks.errors import BadInput, StoreInUse
from gradest.benchmarks.folders import lock
from gradest.benchmarks.report import summary
from gradest.benchmarks.report.report import figures_of, texts_of, write_figures, write_report
from gradest.benchmarks.report.summary import Findings, news
from gradest.benchmarks.reproductions import figures as every_figure
from tests.support.folders import Killed, killed_at
from tests.support.house import FILES_OF_RUNS, ROOT, imported
from tests.support.made_runs import BATCHES, PATHWISE, PLAIN, SQUARE, cell, jackknifed, write
from tests.support.made_training import ten, training, trajectory


def some(*values):
    """Rows of a problem with each of these k, of two estimators at three L."""
    exactly = np.zeros(BATCHES)
    return [
        cell(jackknifed(i / n, exactly), estimator, (SQUARE[0], SQUARE[1] | {"k": k}), samples=n)
        for k in values
        for i, estimator in enumerate((PATHWISE, PLAIN), 1)
        for n in (1, 4, 16)
    ]


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "run", some(1.0))


def drawn(folder):
    """The bytes of all that a report wrote."""
    written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in written}


def test_what_several_files_say_is_found_once(folder, monkeypatch):
    """In the figures, the tables, the page, the summary, and at the end of `gradest run`."""
    calls = Counter()
    homes = {
        "with_levels": [leaderboard],
        "find_crossovers": [summary],
        "contests_of": [summary, every_figure],
    }
    for name, modules in homes.items():
        for module in modules:
            monkeypatch.setattr(module, name, counted(getattr(module, name), calls))
    news(write_report(folder).found)
    assert calls == dict.fromkeys(homes, 1)


def counted(function, calls):
    """The function, and each call of it is counted by its name."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        calls[function.__name__] += 1
        return function(*args, **kwargs)

    return wrapper


def test_what_is_drawn_is_listed_and_verified(folder):
    paths = write_report(folder).files
    found = verify(folder)
    assert found.differences == []
    assert found.files == len(paths) + 2


@pytest.mark.parametrize("write_number", [0, 1, 16])
def test_killed_at_any_write_the_next_report_mends_all(folder, write_number):
    with killed_at(10**9) as every:
        write_report(folder)
    assert len(every) == 17
    whole = drawn(folder)
    with killed_at(write_number) as put, pytest.raises(Killed):
        write_report(folder)
    assert len(put) == write_number
    assert bool(verify(folder).differences) == (write_number > 0)
    write_report(folder)
    assert verify(folder).differences == []
    assert drawn(folder) == whole


KILLED = """
import os, signal, sys
from pathlib import Path
from gradest.benchmarks.report.report import figures_of, texts_of, write_figures, write_report
from gradest.benchmarks.runtime import files

replace, count = os.replace, 0

def replace_or_die(part, path):
    global count
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, path)

files.os.replace = replace_or_die
write_report(Path(sys.argv[1]))
"""


def test_killed_by_the_system_it_leaves_nothing_that_stays(folder):
    write_report(folder)
    whole = drawn(folder)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), "5"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert list(folder.rglob("*.part"))
    assert verify(folder).differences
    write_report(folder)
    assert drawn(folder) == whole
    assert verify(folder).differences == []


def test_another_run_in_the_folder_leaves_no_figures_of_the_first(folder):
    write_report(folder)
    theirs = folder / "figures" / "theirs.png"
    theirs.write_text("theirs")
    first = drawn(folder)
    write(folder, some(2.0))
    assert verify(folder).differences
    write_report(folder)
    names = {path.name for path in drawn(folder)} - {path.name for path in first}
    assert all("k_2" in name for name in names)
    assert not [path for path in drawn(folder) if "k_1" in path.name]
    assert theirs.read_text() == "theirs"
    assert verify(folder).differences == []


def test_two_reports_at_once_lose_no_figures(folder):
    write_report(folder)
    whole = drawn(folder)
    failures = []

    def report():
        try:
            write_report(folder)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=report) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert drawn(folder) == whole
    assert verify(folder).differences == []


def test_a_folder_in_use_is_status_six(folder, run_command, monkeypatch):
    monkeypatch.setattr(lock, "WAIT", 0.1)
    before = drawn(folder)
    with lock.held(folder):
        with pytest.raises(StoreInUse):
            write_report(folder)
        status, _, err = run_command("report", "-o", str(folder))
        assert status == 6
        assert "in use: another process writes its tables or figures" in err
    assert {name: before[name] for name in before if name.suffix != ".lock"} == {
        name: content for name, content in drawn(folder).items() if name.suffix != ".lock"
    }


@pytest.mark.parametrize("path", FILES_OF_RUNS, ids=lambda path: path.stem)
def test_nothing_in_a_results_folder_is_a_pickle(path):
    """Others may write there. Within drawing processes of ours, pipes are not files."""
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & {"pickle", "shelve", "dill", "cloudpickle", "joblib"}


def test_some_figures_are_drawn_anew_and_the_rest_stays(folder):
    write_report(folder)
    whole = drawn(folder)
    (name,) = {path.stem for path in (folder / "figures").iterdir()}
    paths = write_figures(folder, ["variance"], how=STYLES["paper"])
    assert {path.stem for path in paths} == {name}
    differing = {path.name for path, content in drawn(folder).items() if content != whole[path]}
    assert differing == {"manifest.json", *(path.name for path in paths)}
    assert verify(folder).differences == []
    misspelled = name.replace("variance", "varience")
    with pytest.raises(BadInput, match=f"--only '{misspelled}'.*did you mean {name}"):
        write_figures(folder, [misspelled])


def test_of_some_formats_the_others_go(folder):
    write_report(folder)
    paths = write_report(folder, how=replace(SCREEN, formats=("png",))).files
    (figure,) = (folder / "figures").iterdir()
    assert figure.suffix == ".png"
    assert figure in paths
    assert verify(folder).differences == []


def test_the_script_beside_a_run_draws_its_figures(folder, tmp_path):
    write_report(folder)
    script = (folder / "figures.py").read_text()
    assert len(script.splitlines()) < 22
    done = subprocess.run(
        [sys.executable, folder / "figures.py", tmp_path / "anew"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (figure,) = (tmp_path / "anew").iterdir()
    assert figure.name in {path.name for path in (folder / "figures").iterdir()}
    assert figure.read_bytes().startswith(b"%PDF")
    assert verify(folder).differences == []


def test_training_has_its_tables_and_its_figures(folder):
    made = ten()
    run = read_run(folder)
    assert not any("training" in name for name in texts_of(Findings(run)))
    trained = run._replace(training=training(made), trajectory=trajectory(made))
    texts = texts_of(Findings(trained))
    for name in ("training", "training_correlations", "training_disagreements"):
        assert texts[f"tables/{name}.md"].startswith("### ")
        assert r"\begin{tabular}" in texts[f"tables/{name}.tex"]
    names = [spec.name for spec in figures_of(trained)]
    assert names[-2:] == ["training_gaussian_square", "training_noise_gaussian_square"]
    assert [spec.name for spec in figures_of(run)] == names[:-2]
