"""Which folders are a run's: in another's, nothing is written over."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.manifest import FILE, read_manifest
from gradest.benchmarks.folders.published_columns import FILE as PUBLISHED
from gradest.benchmarks.folders.record import FOLDERS, PAGE, TABLES
from gradest.benchmarks.folders.training_columns import TRAINING_TABLES

STORE = "store.sqlite"

FIXED = (
    *TABLES,
    FILE,
    "summary.md",
    "numbers.tex",
    "leaderboard.csv",
    "figures.py",
    "refs.bib",
    PAGE,
    *TRAINING_TABLES,
    PUBLISHED,
)
"""What is written under these names whatever was measured."""

DRAWN = {".pdf", ".svg", ".png", ".md", ".tex"}
"""How files in FOLDERS end."""

FIGURES = ("bias_", "snr_vs_", "variance_vs_")
"""How figures' names begin; those of tables begin with the problem's."""

OF_PAPERS = "paper_"
"""How those begin that are drawn as a paper draws them."""

FIGURES_OF_RUNS = ("relative_rmse", "performance_profile")
"""The names of figures of whole runs."""

TABLES_OF_RUNS = ("crossovers", "paper", "published")
"""The names of tables of whole runs."""


def refuse_foreign(folder: Path, problems: Iterable[str]) -> None:
    """Refuses a folder whose files a run would write over though no run wrote them.

    In a folder that a run wrote, what it writes again is written over; there and elsewhere, files
    of other names stay.

    Args:
        folder: where a run is to write; it need not be there.
        problems: the names of those that it measures, after which figures and tables are named.

    Raises:
        BadInput: with the names of the files and what to do with them.
    """
    for name in (*FIXED, *FOLDERS):
        path = folder / name
        if path.exists() and path.is_dir() != (name in FOLDERS):
            got, expected = ("folder", "file") if path.is_dir() else ("file", "folder")
            raise BadInput(
                f"{path} is a {got}: expected a {expected} that a run wrote, or none: "
                "move it away or choose another --output"
            )
    if is_of_a_run(folder):
        return
    taken = [name for name in FIXED if (folder / name).exists()]
    taken += drawn_like(folder, problems)
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise BadInput(
            f"output folder {folder}: a run would write over {', '.join(taken[:3])}{more}, and no "
            "run is known to have written there: move the files away or choose another --output"
        )


def copy_run(source: Path, folder: Path) -> None:
    """Copies a run's files, and no others, into a folder that is there; itself is one already.

    What may be done with the copies is not taken over: those of a run that can only be read can be
    written.
    """
    if source.resolve() == folder.resolve():
        return
    paths = [source / name for name in (*FIXED, STORE)]
    paths += [path for name in FOLDERS for path in (source / name).rglob("*")]
    for path in paths:
        if path.is_file():
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def is_of_a_run(folder: Path) -> bool:
    """Whether a run has a store or a manifest there."""
    if (folder / STORE).exists():
        return True
    with suppress(BadInput):
        return "sweep" in (read_manifest(folder) or {})
    return False


def drawn_like(folder: Path, problems: Iterable[str]) -> list[str]:
    """Files that have the names of figures and tables of these problems."""
    names = tuple(problem.replace(":", "_").lower() for problem in problems)
    found = []
    for place in FOLDERS:
        paths = sorted((folder / place).glob("*"))
        for path in (path for path in paths if path.suffix in DRAWN):
            stem = path.stem.lower()
            if place == "figures":
                of_problem = stem.startswith(FIGURES) and any(name in stem for name in names)
                is_like = of_problem or stem in FIGURES_OF_RUNS or stem.startswith(OF_PAPERS)
            else:
                is_like = stem in TABLES_OF_RUNS or stem.startswith(names)
            if is_like:
                found.append(f"{place}/{path.name}")
    return found
