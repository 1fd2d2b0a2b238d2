"""recommended.toml: a sweep that can be run, and never over a file of somebody else's."""

import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.finished import recommend_from
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.sweep_file import MARK, refuse_others, write_sweep
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from tests.support.made_errors import row
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, PLAIN, write

LEVELS = {16: PATHWISE, 8: LEAVE_ONE_OUT, 4: PLAIN}


@pytest.fixture
def found(tmp_path):
    """Of four estimators, the three best at L of their own."""
    rows = [row(1.0 + 1 / level, name, samples=level) for level, name in LEVELS.items()]
    smoothing = ("gaussian_smoothing", {"radius": 0.1})
    rows.append(row(40.0, smoothing, bias=1.0, samples=2))
    run = read_run(write(tmp_path / "run", rows))
    return recommend_from(run, Budget(samples=16), Rules())


def test_the_sweep_is_of_the_three_best_at_their_l(found, tmp_path):
    path = tmp_path / "recommended.toml"
    write_sweep(found, path)
    sweep = load_sweep(str(path))
    assert sweep.precision == 0.05
    assert sweep.samples == [4, 8, 16]
    plan = resolve(sweep)
    cells = {(cell.estimator.label, cell.num_samples) for cell in plan.measurable}
    assert len({label for label, _ in cells}) == 3
    wanted = {(name, args.get("baseline"), level) for level, (name, args) in LEVELS.items()}
    assert wanted <= {
        (cell.estimator.name, dict(cell.estimator.arguments).get("baseline"), cell.num_samples)
        for cell in plan.measurable
    }


def test_what_a_recommendation_wrote_is_written_over_and_nothing_else(found, tmp_path):
    path = tmp_path / "recommended.toml"
    write_sweep(found, path)
    assert path.read_text().startswith(MARK)
    write_sweep(found, path)
    for theirs in ("mine = 1", "", path.read_text().replace("precision = 0.05", "precision = 1.0")):
        path.write_text(theirs)
        with pytest.raises(BadInput, match="is not as a recommendation wrote it: move it away"):
            write_sweep(found, path)
        assert path.read_text() == theirs
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        refuse_others(tmp_path / "folder.toml")
