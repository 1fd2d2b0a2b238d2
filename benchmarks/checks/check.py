"""Checks one estimator or problem, registered or a user's own, on everything that it fits."""

import inspect
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gradest.benchmarks.catalogue.describe import Named, class_of
from gradest.benchmarks.catalogue.facts import Variants, variants
from gradest.benchmarks.checks import estimator_checks, problem_checks
from gradest.benchmarks.checks.comparisons import Failed, Skipped
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.problem_checks import PROBLEM_CHECKS
from gradest.benchmarks.checks.trials import (
    EstimatorTrial,
    ProblemTrial,
    replicates_at_most,
    representatives,
    small_problem,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.plans.status import first_of
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.estimators import ESTIMATORS
from gradest.estimators.base import Estimator
from gradest.problems import PROBLEMS
from gradest.problems.base import Problem
from gradest.problems.registry.lookup import build, make
from gradest.problems.registry.naming import written
from gradest.problems.registry.own_faults import FAILURES, frames_of, located, place_of

FALSE_ALARMS = 0.01
"""The probability that chance fails any of the statistical checks of one run.

All of them share it equally.
"""

NUMBER = r"-?\d[\d.e+-]*"
"""In which reasons of one cause differ."""

OUTCOMES = ("ran", "passed", "failed", "skipped")
"""What a report counts."""


@dataclass(frozen=True)
class Finding:
    """What one check found on one problem."""

    check: str
    subject: str
    on: str
    result: str  # "passed", "failed" or "skipped"
    reason: str
    cause: str = ""
    """What failures that have one cause share."""
    trace: tuple[str, ...] = ()
    """The lines of a user's file through which an error came."""


@dataclass(frozen=True)
class Report:
    """All findings on one target."""

    target: str
    kind: str
    findings: list[Finding]

    def counts(self, name: str | None = None) -> dict[str, int]:
        """How many ran, passed, failed, and were skipped: of the check of a name, or of all."""
        findings = [finding for finding in self.findings if name in (None, finding.check)]
        results = Counter(finding.result for finding in findings)
        counts = {result: results[result] for result in ("passed", "failed", "skipped")}
        return {"ran": counts["passed"] + counts["failed"], **counts}

    @property
    def as_json(self) -> dict[str, Any]:
        """The report as one object."""
        return {
            "target": self.target,
            "kind": self.kind,
            "counts": self.counts(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    @property
    def text(self) -> str:
        """A row for each check, all failures, each reason for skipping once, and a sum."""
        lines = [f"{'check':20}" + "".join(f"{outcome:>9}" for outcome in OUTCOMES)]
        for name in dict.fromkeys(finding.check for finding in self.findings):
            counts = self.counts(name)
            lines.append(f"{name:20}" + "".join(f"{counts[outcome]:>9}" for outcome in OUTCOMES))
        total = self.counts()
        sums = ", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES)
        return "\n".join(
            [*lines, *self.failed_lines(), *self.skipped_lines(), f"{self.target}: {sums}"]
        )

    def failed_lines(self) -> Iterator[str]:
        """The first failure of each cause, how it came about, and how many more there are."""
        causes: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            if finding.result == "failed":
                causes[finding.cause or finding.reason].append(finding)
        for first, *others in causes.values():
            place = f"{first.check}, {first.subject} on {first.on}"
            yield f"failed: {place}: {first.reason}"
            yield from (f"    {line}" for line in first.trace)
            if others:
                checks = first_of(finding.check for finding in others)
                problems = first_of(finding.on for finding in others)
                yield f"    and {len(others)} more from this cause: {checks} on {problems}"

    def skipped_lines(self) -> Iterator[str]:
        """A line for each reason for skipping, with the check or how many."""
        checks: dict[str, list[str]] = defaultdict(list)
        for finding in self.findings:
            if finding.result == "skipped":
                checks[finding.reason].append(finding.check)
        for reason, names in checks.items():
            different = {*names}
            which = names[0] if len(different) == 1 else f"{len(different)} checks"
            yield f"skipped {len(names)} × {which}: {reason}"


def check(
    target: str, tell: Callable[[str], None], on: Sequence[str] = (), *, fast: bool = False
) -> Report:
    """Runs every check on a problem or an estimator.

    Args:
        target: a registered name, or `module:Class`.
        tell: is told how it goes, a line for each problem.
        on: the problems that an estimator is tried on; all, where there is none.
        fast: fewer replicates, an estimator's default arguments alone, and of all problems those
            that differ in kind, see `representatives`, besides a user's own.

    Raises:
        BadInput: no such target, one that cannot be made with its defaults, or an estimator that
            fits no problem.
    """
    configure()
    named = class_of(target)
    try:
        if named.kind == "problem":
            if on:
                raise BadInput(f"-p {on[0]}: expected an estimator to try on it; {target} is none")
            return check_problem(target, problem_of(named), tell, fast=fast)
        subjects = variants(named.name, named.cls)[: 1 if fast else None]
        if named.arguments:
            chosen = build("estimator", ESTIMATORS, named.name, named.arguments)
            subjects = [(written(named.name, named.arguments), chosen)]
        further = own_problems(named.cls)
        if on:
            problems = {name: further.get(name) or problem_of(class_of(name)) for name in on}
        else:
            problems = further | {label: small_problem(label) for label in PROBLEMS}
        if fast and not on:
            first = subjects[0][1]
            problems = representatives(problems, further, lambda each: not refusal(first, each)[0])
        return check_estimator(target, subjects, problems, tell, fast=fast)
    except ValueError as error:
        raise BadInput(str(error)) from error


def problem_of(named: Named) -> Problem:
    """The problem of a name: with its defaults a registered one is as small as can be.

    Raises:
        ValueError: it names no problem.
    """
    if named.kind != "problem":
        raise ValueError(f"{named.name}: expected a problem; it is an {named.kind}")
    if named.name in PROBLEMS and not named.arguments:
        return small_problem(named.name)
    return build("problem", PROBLEMS, named.name, named.arguments)


@in_full_precision
def check_problem(
    name: str, problem: Problem, tell: Callable[[str], None], *, fast: bool = False
) -> Report:
    """Runs every check of a problem.

    Args:
        name: as a report gives it.
        problem: small enough to be quick.
        tell: is told how it went.
        fast: with fewer replicates.
    """
    level = FALSE_ALARMS / len(problem_checks.STATISTICAL)
    trial = ProblemTrial(name, problem, level, replicates_at_most(fast))
    started = time.perf_counter()
    findings = list(problem_findings(trial))
    tell(progress_line(name, findings, started))
    return Report(name, "problem", findings)


@in_full_precision
def check_estimator(
    name: str,
    subjects: Variants,
    problems: Mapping[str, Problem],
    tell: Callable[[str], None],
    *,
    fast: bool = False,
) -> Report:
    """Runs every check of an estimator.

    Args:
        name: as a report gives it.
        subjects: the estimator with each of its alternatives.
        problems: that it is tried on, by their names; where there is none, all registered ones.
        tell: is told how it goes.
        fast: with fewer replicates.

    Raises:
        BadInput: there is nothing that it does not refuse.
    """
    problems = problems or {label: small_problem(label) for label in PROBLEMS}
    tests = len(problems) * len(subjects) * len(estimator_checks.STATISTICAL)
    findings: list[Finding] = []
    for label, problem in problems.items():
        trial = ProblemTrial(label, problem, FALSE_ALARMS / tests, replicates_at_most(fast))
        for subject, estimator in subjects:
            started = time.perf_counter()
            there = list(estimator_findings(subject, estimator, trial))
            findings += there
            tell(progress_line(f"{subject} on {label}", there, started))
    refuse_untried(name, findings)
    return Report(name, "estimator", findings)


def refuse_untried(name: str, findings: list[Finding]) -> None:
    """Refuses an estimator that refuses every problem, and nothing is wrong with its reasons.

    Raises:
        BadInput: it is one.
    """
    tried = [f for f in findings if f.check != "support_claims" and f.result != "skipped"]
    if tried or any(finding.result == "failed" for finding in findings):
        return
    reasons = dict.fromkeys(finding.reason for finding in findings if finding.reason)
    raise BadInput(
        f"estimator {name!r}: fits no problem that it could be tried on: {'; '.join(reasons)}"
    )


def progress_line(what: str, findings: list[Finding], started: float) -> str:
    """How the checks of one thing went, and for how long since they started."""
    results = Counter(finding.result for finding in findings)
    seconds = time.perf_counter() - started
    return f"{what}: {results['passed']} passed, {results['failed']} failed, {seconds:.1f} s"


def problem_findings(trial: ProblemTrial) -> Iterator[Finding]:
    """Runs each check of a problem.

    Args:
        trial: of the problem.
    """
    for name, function in PROBLEM_CHECKS.items():
        yield run_check(name, function, trial, trial.name, trial.name)


def estimator_findings(
    label: str, estimator: Estimator, problem_trial: ProblemTrial
) -> Iterator[Finding]:
    """Runs each check of an estimator on one problem, unless the estimator refuses it.

    Args:
        label: the estimator's, as a report gives it.
        estimator: what is checked.
        problem_trial: what it is tried on.
    """
    reason, fault = refusal(estimator, problem_trial.problem)
    if reason is None:
        trial = EstimatorTrial(estimator, problem_trial)
        for name, function in ESTIMATOR_CHECKS.items():
            yield run_check(name, function, trial, label, problem_trial.name)
        return
    for name in ESTIMATOR_CHECKS:
        if name == "support_claims":
            result = "failed" if fault else "passed"
            yield Finding(name, label, problem_trial.name, result, fault)
        else:
            yield Finding(name, label, problem_trial.name, "skipped", reason)


def refusal(estimator: Estimator, problem: Problem) -> tuple[str | None, str]:
    """Why an estimator refuses a problem, if it does, and what is wrong with how it says so."""
    try:
        reason = estimator.refuses(problem)
    except FAILURES as error:
        return "refuses fails", f"refuses: {located(error, place_of(error))}"
    if reason is None or is_sentence(reason):
        return reason, ""
    return str(reason), f"refuses: expected None or a reason; found {reason!r}"


def run_check(
    name: str, function: Callable[[Any], None], trial: Any, label: str, on: str
) -> Finding:
    """Runs one check; whatever a user's class raises is the check's failure."""
    try:
        function(trial)
    except Skipped as reason:
        return Finding(name, label, on, "skipped", str(reason))
    except Failed as fault:
        cause = f"{name}: {re.sub(NUMBER, '#', str(fault))}"
        return Finding(name, label, on, "failed", str(fault), cause, tuple(frames_of(fault)))
    except FAILURES as error:
        place = place_of(error)
        said = located(error, place)
        cause = f"{type(error).__name__} at {place}" if place else re.sub(NUMBER, "#", said)
        return Finding(name, label, on, "failed", said, cause, tuple(frames_of(error)))
    return Finding(name, label, on, "passed", "")


def is_sentence(reason: Any) -> bool:
    """Whether a refusal says why."""
    return isinstance(reason, str) and len(reason.split()) >= 3


def own_problems(cls: type) -> dict[str, Problem]:
    """The problems in the file of a user's estimator: they may be the only ones that it fits."""
    if cls in ESTIMATORS.values():
        return {}
    module = cls.__module__
    problems = {}
    for name, value in vars(sys.modules[module]).items():
        is_problem = inspect.isclass(value) and issubclass(value, Problem)
        if is_problem and value.__module__ == module and not inspect.isabstract(value):
            label = f"{module}:{name}"
            problems[label] = make("problem", label, value, {})
    return problems
