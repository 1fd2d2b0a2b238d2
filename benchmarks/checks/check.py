"""Checking one estimator or problem, registered or a user's own: every check of its table, on everything it fits."""

import inspect
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gradest.benchmarks.catalogue.describe import class_of
from gradest.benchmarks.catalogue.facts import Variants, variants
from gradest.benchmarks.checks import estimator_checks, problem_checks
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.problem_checks import PROBLEM_CHECKS
from gradest.benchmarks.checks.trials import (
    EstimatorTrial,
    Failed,
    ProblemTrial,
    Skipped,
    small_problem,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.configure import configure
from gradest.estimators import ESTIMATORS
from gradest.estimators.base import Estimator
from gradest.problems import PROBLEMS
from gradest.problems.base import Problem
from gradest.problems.registry.lookup import build, make

FALSE_ALARMS = 0.01
"""The probability that chance fails any of the statistical checks of one run, shared equally among them."""


@dataclass(frozen=True)
class Finding:
    """What one check found on one problem."""

    check: str
    subject: str
    on: str
    result: str  # "passed", "failed" or "skipped"
    reason: str


@dataclass(frozen=True)
class Report:
    """All findings on one target."""

    target: str
    kind: str
    findings: list[Finding]

    def counts(self, check: str | None = None) -> dict[str, int]:
        """How many ran, passed, failed, and were skipped: of one check, or of all."""
        found = Counter(f.result for f in self.findings if check in (None, f.check))
        return {
            "ran": found["passed"] + found["failed"],
            **{k: found[k] for k in ("passed", "failed", "skipped")},
        }

    @property
    def as_json(self) -> dict[str, Any]:
        """The report as one object."""
        findings = [asdict(finding) for finding in self.findings]
        return {
            "target": self.target,
            "kind": self.kind,
            "counts": self.counts(),
            "findings": findings,
        }

    @property
    def text(self) -> str:
        """A table with a row a check, every failure, every reason for skipping once, and a last line that sums up."""
        columns = ("ran", "passed", "failed", "skipped")
        lines = [f"{'check':20}" + "".join(f"{column:>9}" for column in columns)]
        for check in dict.fromkeys(finding.check for finding in self.findings):
            counts = self.counts(check)
            lines.append(f"{check:20}" + "".join(f"{counts[column]:>9}" for column in columns))
        lines += [
            f"failed: {f.check}, {f.subject} on {f.on}: {f.reason}"
            for f in self.findings
            if f.result == "failed"
        ]
        skipped = Counter((f.check, f.reason) for f in self.findings if f.result == "skipped")
        reasons: dict[str, Counter[str]] = {}
        for (check, reason), count in skipped.items():
            reasons.setdefault(reason, Counter())[check] += count
        for reason, checks in reasons.items():
            which = next(iter(checks)) if len(checks) == 1 else f"{len(checks)} checks"
            lines.append(f"skipped {checks.total()} × {which}: {reason}")
        total = self.counts()
        return "\n".join(
            [
                *lines,
                f"{self.target}: " + ", ".join(f"{total[column]} {column}" for column in columns),
            ]
        )


def check(target: str, tell: Callable[[str], None]) -> Report:
    """Runs every check on `target`, a registered name or `module:Class`; `tell` is told how it
    goes.

    Raises:
        BadInput: no such target, one that cannot be made with its defaults, or an estimator that
            fits no problem.
    """
    configure()
    kind, cls = class_of(target)
    try:
        if kind == "problem":
            problem = (
                small_problem(target)
                if target in PROBLEMS
                else build("problem", PROBLEMS, target, {})
            )
            return check_problem(target, problem, tell)
        return check_estimator(target, variants(target, cls), own_problems(cls), tell)
    except ValueError as error:
        raise BadInput(str(error)) from error


def check_problem(name: str, problem: Problem, tell: Callable[[str], None]) -> Report:
    """Every check of a problem."""
    trial = ProblemTrial(name, problem, FALSE_ALARMS / len(problem_checks.STATISTICAL))
    started = time.perf_counter()
    findings = list(problem_findings(trial))
    tell(progress_line(name, findings, started))
    return Report(name, "problem", findings)


def check_estimator(
    name: str, subjects: Variants, own: Mapping[str, Problem], tell: Callable[[str], None]
) -> Report:
    """Every check of an estimator with each of its alternatives, on every registered problem and those of its file."""
    problems = {label: small_problem(label) for label in PROBLEMS} | dict(own)
    tests = len(problems) * len(subjects) * len(estimator_checks.STATISTICAL)
    findings: list[Finding] = []
    for label, problem in problems.items():
        on = ProblemTrial(label, problem, FALSE_ALARMS / tests)
        for subject, estimator in subjects:
            started = time.perf_counter()
            found = list(estimator_findings(subject, estimator, on))
            findings += found
            tell(progress_line(f"{subject} on {label}", found, started))
    if all(
        finding.result == "skipped" for finding in findings if finding.check != "support_claims"
    ):
        reasons = dict.fromkeys(finding.reason for finding in findings if finding.reason)
        if not any(finding.result == "failed" for finding in findings):
            raise BadInput(
                f"estimator {name!r}: fits no problem that it could be tried on: {'; '.join(reasons)}"
            )
    return Report(name, "estimator", findings)


def progress_line(what: str, findings: list[Finding], started: float) -> str:
    """One line for stderr."""
    count = Counter(finding.result for finding in findings)
    return f"{what}: {count['passed']} passed, {count['failed']} failed, {time.perf_counter() - started:.1f} s"


def problem_findings(trial: ProblemTrial) -> Iterator[Finding]:
    """Each check of a problem, run."""
    for name, function in PROBLEM_CHECKS.items():
        yield run_check(name, function, trial, trial.name, trial.name)


def estimator_findings(label: str, estimator: Estimator, on: ProblemTrial) -> Iterator[Finding]:
    """Each check of an estimator on one problem, run, where the estimator supports it."""
    try:
        reason = estimator.refuses(on.problem)
        fault = (
            ""
            if reason is None or is_sentence(reason)
            else f"refuses: expected None or a reason; found {reason!r}"
        )
    except Exception as error:
        reason, fault = "refuses fails", f"refuses: {one_line(error)}"
    if reason is None:
        trial = EstimatorTrial(estimator, on)
        for name, function in ESTIMATOR_CHECKS.items():
            yield run_check(name, function, trial, label, on.name)
        return
    for name in ESTIMATOR_CHECKS:
        if name == "support_claims":
            yield Finding(name, label, on.name, "failed" if fault else "passed", fault)
        else:
            yield Finding(name, label, on.name, "skipped", str(reason))


def run_check(
    name: str, function: Callable[[Any], None], trial: Any, label: str, on: str
) -> Finding:
    """One check, run; whatever a user's class raises is the check's failure."""
    try:
        function(trial)
    except Skipped as reason:
        return Finding(name, label, on, "skipped", str(reason))
    except Failed as fault:
        return Finding(name, label, on, "failed", str(fault))
    except Exception as error:
        return Finding(name, label, on, "failed", one_line(error))
    return Finding(name, label, on, "passed", "")


def is_sentence(reason: Any) -> bool:
    """Whether a refusal says why."""
    return isinstance(reason, str) and len(reason.split()) >= 3


def one_line(error: Exception) -> str:
    """An exception's type and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip()[:200]}" if lines else type(error).__name__


def own_problems(cls: type) -> dict[str, Problem]:
    """The problems made in the file of a user's estimator, which may be the only ones that it fits."""
    if cls in ESTIMATORS.values():
        return {}
    module = cls.__module__
    classes = {
        f"{module}:{name}": value
        for name, value in vars(sys.modules[module]).items()
        if inspect.isclass(value) and issubclass(value, Problem) and value.__module__ == module
    }
    return {
        name: make("problem", name, value, {})
        for name, value in classes.items()
        if not inspect.isabstract(value)
    }
