"""What drawing a run gives, where nothing is to be drawn."""

from pathlib import Path
from typing import Any

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.report.report import Report
from gradest.benchmarks.report.summary import Findings


def undrawn(folder: Path, *_: Any) -> Report:
    """What is found in a run, of which nothing is written."""
    return Report([], Findings(read_run(folder)))
