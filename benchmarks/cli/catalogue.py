"""What `gradest list`, `describe` and `check` do, with estimators and problems."""

from gradest.benchmarks.catalogue.describe import description
from gradest.benchmarks.catalogue.facts import as_text, catalogue, refusals
from gradest.benchmarks.checks.check import check
from gradest.benchmarks.cli.output import emit, tell
from gradest.benchmarks.errors import BadInput, ExitStatus
from gradest.benchmarks.runtime.program_cache import use_compilation_cache
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS


def show_catalogue(as_json: bool) -> ExitStatus:
    """Prints what there is."""
    if as_json:
        names = {"problems": list(PROBLEMS), "estimators": list(ESTIMATORS)}
        emit(names | {"supports": refusals()})
    else:
        emit(as_text(catalogue()))
    return ExitStatus.OK


def show_description(name: str, as_bibtex: bool, as_json: bool) -> ExitStatus:
    """Prints what a name stands for."""
    facts = description(name)
    if as_bibtex and not facts["bibtex"]:
        raise BadInput(f"{name}: expected a name that stands for a paper; it states none")
    if as_json:
        emit(facts)
    else:
        emit(facts["bibtex" if as_bibtex else "text"])
    return ExitStatus.OK


def check_target(target: str, problems: tuple[str, ...], fast: bool, as_json: bool) -> ExitStatus:
    """Checks an estimator or a problem, and says how it goes."""
    use_compilation_cache()
    report = check(target, lambda line: tell([line]), problems, fast=fast)
    emit(report.as_json if as_json else report.text)
    return ExitStatus.GATE_FAILED if report.counts()["failed"] else ExitStatus.OK
