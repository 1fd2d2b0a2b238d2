"""A process that a class ends leaves word of the cell that it was at."""

from dataclasses import dataclass
from typing import Any

from gradest.benchmarks.cells.begun import FILE
from gradest.benchmarks.sweeps.executors import Noted


@dataclass
class Labelled:
    label: str


@dataclass(frozen=True)
class FewJobs:
    begins: Any = None


class OneCell:
    """Begins a cell, and gives what the function makes of it."""

    def map(self, function, jobs):
        jobs.begins([Labelled("mine:Exits, L = 4")])
        yield function(None)


def test_the_next_process_says_at_which_cell_one_ended(tmp_path):
    seen, told = [], []

    def measured(task):
        seen.append((tmp_path / FILE).read_text())
        return "done"

    noted = Noted(OneCell(), tmp_path, told.extend)
    assert list(noted.map(measured, FewJobs())) == ["done"]
    assert seen == ["mine:Exits, L = 4"]
    assert told == []
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).write_text(seen[0])  # as os._exit leaves it
    list(noted.map(measured, FewJobs()))
    (line,) = told
    assert "ended without a word at mine:Exits, L = 4" in line
    assert "--workers 2" in line
    assert not (tmp_path / FILE).exists()
