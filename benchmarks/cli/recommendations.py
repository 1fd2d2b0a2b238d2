"""What `gradest recommend` does: it measures, or asks a finished run, and writes a sweep."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradest.benchmarks.analysis.places import Place
from gradest.benchmarks.analysis.results import find_run
from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.cli.output import emit, tell
from gradest.benchmarks.cli.progress import Reporter, show_progress
from gradest.benchmarks.comparisons.budgets import Budget, budget_of
from gradest.benchmarks.errors import BadInput, ExitStatus
from gradest.benchmarks.learning_curves.confirming import MOST, Confirmed
from gradest.benchmarks.recommending.candidates import every_candidate
from gradest.benchmarks.recommending.finished import recommend_from
from gradest.benchmarks.recommending.measured import (
    DEFAULT_BUDGET,
    confirmed_at,
    named,
    recommend_measured,
)
from gradest.benchmarks.recommending.ranking import FREE, Rules
from gradest.benchmarks.recommending.rendering import Recommendation, as_text
from gradest.benchmarks.recommending.rendering import as_json as object_of
from gradest.benchmarks.recommending.rounds import SECONDS, Halving
from gradest.benchmarks.recommending.sweep_file import FILE, refuse_others, write_sweep
from gradest.problems import PROBLEMS, named_problem
from gradest.problems.arguments import shown
from gradest.problems.registry.lookup import build
from gradest.problems.registry.naming import parse


def recommend(  # noqa: PLR0913  (an argument for each option)
    problem: str,
    run: str | None,
    budget: str | None,
    evaluations: int | None,
    samples: int | None,
    at: Sequence[str],
    seconds: float | None,
    output: Path | None,
    verbose: bool,
    as_json: bool,
    confirm: bool,
    **asked: Any,
) -> ExitStatus:
    """Says which estimator to use, and writes the sweep that measures the best three.

    That sweep is written where somebody measures: of a finished run it is where a file is named.
    """
    given = budget_of(budget, evaluations, samples)
    limit = DEFAULT_BUDGET if given == Budget() else given
    path = output or (Path(FILE) if run is None else None)
    if path is not None:
        refuse_others(path)
    name, arguments = named_at(problem, at)
    if run is None:
        found = measured(name, arguments, limit, seconds_of(seconds), **asked)
    else:
        if seconds is not None:
            raise BadInput("--seconds: expected only without --from, which measures nothing")
        found = from_run(run, name, arguments, limit, **asked)
    found = confirmed(found) if confirm else found
    if limit != given:
        tell([f"note: no budget is given: {limit.text}"])
    emit(object_of(found) if as_json else as_text(found, verbose=verbose))
    if as_json:
        tell(f"failed: {text}: {reason}" for text, reason in found.failures.items())
    if path is not None:
        write_and_tell(found, path)
    if found.interrupted:
        return ExitStatus.INTERRUPTED
    return ExitStatus.CELLS_FAILED if found.failures else ExitStatus.OK


def write_and_tell(found: Recommendation, path: Path) -> None:
    """Writes the sweep of the best, and says what to do with it."""
    write_sweep(found, path)
    tell([f"{path} is written: a sweep of the three best, with R for 5 %"])
    tell([f"Next: gradest run {path}"])


def confirmed(found: Recommendation) -> Recommendation:
    """The recommendation with what training says of its order, where the problem can be made."""
    verdicts: dict[Place, Confirmed] = {}
    notes = [*found.notes]
    for answer in found.answers:
        name, arguments = answer.place[0], answer.problem_args
        count = min(int((answer.frame.barred == FREE).sum()), MOST)
        tell([f"training the best {count} of {len(answer.frame)}"])
        try:
            problem = build("problem", PROBLEMS, name, arguments)
        except ValueError as error:
            notes.append(f"Not confirmed by training: {error}.")
            continue
        verdicts[answer.place] = confirmed_at(answer, problem)
    return replace(found, confirmed=verdicts, notes=tuple(notes))


def seconds_of(given: float | None) -> float:
    """The seconds that measuring may take.

    Raises:
        BadInput: they are no number from 0 on.
    """
    if given is None:
        return SECONDS
    if not given >= 0:
        raise BadInput(f"--seconds {given:g}: expected a number from 0 on")
    return given


def named_at(problem: str, at: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """A problem's name, registered or a user's own, and its arguments that were given.

    Raises:
        BadInput: no such name, or an argument that is not written as one.
    """
    given: dict[str, Any] = {}
    for text in at:
        try:
            given |= parse(f"at[{text}]")[1]
        except ValueError as error:
            raise BadInput(f"--at {shown(text)}: expected argument=value") from error
    try:
        return named_problem(problem, given)
    except ValueError as error:
        raise BadInput(str(error)) from error


def measured(
    name: str,
    arguments: dict[str, Any],
    limit: Budget,
    seconds: float,
    *,
    group: str | None,
    only_unbiased: bool,
    no_grad_f: bool,
) -> Recommendation:
    """The recommendation that is measured here.

    Raises:
        BadInput: the problem cannot be made, or nothing can be recommended.
    """
    try:
        made = build("problem", PROBLEMS, name, arguments)
    except ValueError as error:
        raise BadInput(str(error)) from error
    found = recommend_measured(
        made,
        every_candidate(),
        limit,
        Halving(Rules(only_unbiased), group, seconds=seconds),
        grad_f=not no_grad_f,
        announce=announced,
    )
    return named(found, name)


@contextmanager
def announced(text: str, cells: int) -> Iterator[Reporter]:
    """Says on stderr which round begins, and how it goes."""
    tell([text])
    with show_progress(cells) as progress:
        yield progress


def from_run(
    run: str,
    name: str,
    arguments: dict[str, Any],
    limit: Budget,
    *,
    group: str | None,
    only_unbiased: bool,
    no_grad_f: bool,
) -> Recommendation:
    """The recommendation of a finished run.

    Raises:
        BadInput: there is no such run, or it has no such place.
    """
    read = verified_run(find_run(run))
    found = recommend_from(
        read,
        limit,
        Rules(only_unbiased),
        problem=name,
        at=arguments,
        group=group,
        grad_f=not no_grad_f,
    )
    tell([read.doubt] if read.doubt else [])
    return named(found, name) if ":" in name else found
