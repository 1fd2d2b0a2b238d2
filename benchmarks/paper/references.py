"""refs.bib: the papers of all that a run measured, and what it was measured with."""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.analysis.results import ESTIMATOR, Run
from gradest.benchmarks.catalogue.citations import cited, entry, key, references
from gradest.benchmarks.paper.methods import methods, version_of
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS

FILE = "refs.bib"

HEADING = "Written by gradest: the papers of the run's estimators and problems, and its software."


def refs(run: Run) -> str:
    """The text of refs.bib; the sentence on methods is a comment in it."""
    return "\n\n".join([f"% {HEADING}\n% {methods(run)}", *entries_of(run).values()]) + "\n"


def citations(run: Run) -> dict[str, Any]:
    """The same as data: the sentence, BibTeX by key, and the keys of each estimator and problem."""
    return {
        "methods": methods(run),
        "entries": entries_of(run),
        "software": [*software_entries(run)],
        "estimators": {
            short_label(*each): keys_of(ESTIMATORS, each[0]) for each in measured(run, ESTIMATOR)
        },
        "problems": {name: keys_of(PROBLEMS, name) for (name,) in measured(run, ["problem"])},
    }


def entries_of(run: Run) -> dict[str, str]:
    """BibTeX by key: software first, then papers by their keys."""
    sources = [source_of(PROBLEMS, name) for (name,) in measured(run, ["problem"])]
    sources += [source_of(ESTIMATORS, name) for name, _ in measured(run, ESTIMATOR)]
    paper = ((run.manifest or {}).get("sweep") or {}).get("paper") or {}
    sources += [str(paper.get("reference", ""))]
    papers = papers_by_key(sources)
    return software_entries(run) | {name: entry(papers[name]) for name in sorted(papers)}


def measured(run: Run, columns: list[str]) -> list[tuple]:
    """What was measured, by some columns, each once."""
    rows = run.measurements[run.measurements.status != "skipped"]
    return [*rows[columns].drop_duplicates().itertuples(index=False, name=None)]


def software_entries(run: Run) -> dict[str, str]:
    """gradest in the version that measured, JAX, and the paper of its random numbers."""
    known = software()
    version = version_of(run)
    ours = known["gradest"] | ({"note": f"Version {version}"} if version else {})
    return {name: entry(paper, name) for name, paper in (known | {"gradest": ours}).items()}


@functools.cache
def software() -> dict[str, dict[str, Any]]:
    """What is in software.toml, by key."""
    return tomllib.loads((files(__package__) / "software.toml").read_text(encoding="utf-8"))


def papers_by_key(sources: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The papers that sources name, by the keys of their entries."""
    names = dict.fromkeys(name for source in sources for name in cited(source))
    return {key(references()[name]): references()[name] for name in names}


def papers_of(estimators: Sequence[tuple[str, str]], places: Sequence[tuple]) -> dict[str, Any]:
    """The papers of estimators and places: BibTeX by key, and whose keys are which.

    What is nobody's but the user's has none.
    """
    sources = [source_of(ESTIMATORS, name) for name, _ in estimators]
    sources += [source_of(PROBLEMS, name) for name, *_ in places]
    return {
        "entries": {name: entry(paper) for name, paper in papers_by_key(sources).items()},
        "estimators": [keys_of(ESTIMATORS, name) for name, _ in estimators],
        "places": [keys_of(PROBLEMS, name) for name, *_ in places],
    }


def keys_of(registry: Mapping[str, Any], name: str) -> list[str]:
    """The keys of the papers that a registered class names as its source."""
    return [key(references()[paper]) for paper in cited(source_of(registry, name))]


def source_of(registry: Mapping[str, Any], name: str) -> str:
    """What a registered class names as its source; empty for a class of the user's."""
    return str(registry[name].source) if name in registry else ""
