"""What a store has of a plan, and what of it is to be made again: other code, other versions."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.outcomes import Kept, Outcome
from gradest.benchmarks.plans.status import first_of
from gradest.benchmarks.presets import preset_names
from gradest.benchmarks.runtime.environment import digest_of, environment
from gradest.benchmarks.sweeps.plan import Plan
from gradest.benchmarks.sweeps.run import codes_of
from gradest.benchmarks.sweeps.store import read_store
from gradest.benchmarks.training.runs import TRAINS, seeds_in

DONE = {"cell": "measured", "training": "made"}
"""What is done again, in words."""


class Stale(NamedTuple):
    """Cells or trainings in a store that are not taken as they are."""

    why: str
    number: int
    what: str = "cell"
    """Or training."""

    @property
    def text(self) -> str:
        """A line that says so."""
        count = several(self.number, self.what)
        return f"{count} there, {self.why}: to be {DONE[self.what]} again by `gradest run`"

    @property
    def as_json(self) -> dict[str, str | int]:
        """The same."""
        return {"why": self.why, f"{self.what}s": self.number}


class Compared(NamedTuple):
    """What a store has of a plan. What failed does not count: it is made again."""

    there: int
    """Cells that are taken as they are."""
    trainings: int
    """And trainings."""
    stale: list[Stale]
    """Those that were made with other versions, on other hardware or with other code, or are
    damaged."""


def compared(plan: Plan, kept: Kept) -> Compared:
    """How much of a plan in a store is to be made again, and why.

    Args:
        plan: what is to be measured here.
        kept: what the store has.
    """
    here = environment(plan.sweep.generator) if kept.outcomes or kept.trainings else {}
    cells, trainings = cells_of(plan, kept), trainings_of(plan, kept)
    of_cells = [reason_against("cell", *found, here, kept) for found in cells]
    of_trainings = [reason_against("training", *found, here, kept) for found in trainings]
    return Compared(
        of_cells.count(""),
        of_trainings.count(""),
        [
            *counted("cell", [*damage(kept.damaged), *of_cells]),
            *counted("training", [*damage(kept.damaged_trainings), *of_trainings]),
        ],
    )


Found = Iterator[tuple[Outcome, dict[str, str]]]
"""What did not fail of what a store has of a plan, each with the code of now."""


def cells_of(plan: Plan, kept: Kept) -> Found:
    """The cells of a plan that are there."""
    if not kept.outcomes:
        return
    for cell, code in codes_of(plan).items():
        outcome = kept.outcomes.get(cell)
        if outcome and outcome.status != "failed":
            yield outcome, code


def trainings_of(plan: Plan, kept: Kept) -> Found:
    """The trainings of a plan that are there."""
    if not kept.trainings:
        return
    codes = codes_of(plan, TRAINS)
    for seed in seeds_in(plan):
        outcome = kept.trainings.get(seed.id)
        if outcome and outcome.status != "failed":
            yield outcome, codes[seed.cell.id]


def damage(names: list[str]) -> list[str]:
    """The reason against each of what is damaged."""
    return [f"damaged ({first_of(map(ascii, names))})"] * len(names)


def counted(what: str, reasons: list[str]) -> list[Stale]:
    """How many there are for each reason; "" is none."""
    counts = Counter(filter(None, reasons))
    return [Stale(why, count, what) for why, count in counts.items()]


def stale_in(plan: Plan, folder: Path) -> list[Stale]:
    """What a folder's store has of a plan that is to be made again: see `compared`.

    Raises:
        StoreDamaged: the folder's store cannot be read.
    """
    return compared(plan, read_store(folder)).stale


def reason_against(
    what: str, outcome: Outcome, code: dict[str, str], here: Mapping[str, str], kept: Kept
) -> str:
    """Why an outcome is not taken as it is; "" where it is.

    Args:
        what: it is of: a cell or a training.
        outcome: what became of it.
        code: the digests of the modules that it would run through.
        here: versions and hardware.
        kept: the store that it is in.
    """
    done = DONE[what]
    if outcome.environment != here:
        others = sorted(outcome.environment.items() - here.items())
        unknown = sorted((key, "unknown") for key in here.keys() - outcome.environment.keys())
        values = ", ".join(f"{key} {value}" for key, value in others or unknown)
        return f"{done} with {values}"
    if not outcome.code:
        return f"{done} by a version that did not keep with which code"
    if outcome.code == digest_of(code):
        return ""
    then = kept.codes.get(outcome.code)
    if not then:
        return f"{done} with other code (commit {(outcome.commit or 'unknown')[:7]})"
    names = sorted(name for name in code.keys() | then.keys() if code.get(name) != then.get(name))
    return f"{done} with other code ({first_of(names)})"


def refuse_to_extend(plan: Plan, folder: Path) -> None:
    """Refuses to add replicates to a run of which every cell is to be measured again.

    Args:
        plan: of the finished run.
        folder: of the run.

    Raises:
        BadInput: there are stale cells, and none that is not; the message says what to do instead.
    """
    found = compared(plan, read_store(folder))
    reasons = [each.why for each in found.stale if each.what == "cell"]
    if not reasons or found.there:
        return  # what is stale is measured again, and the others are gone on with
    sweep = plan.sweep.name if plan.sweep.name in preset_names() else "SWEEP"
    raise BadInput(
        f"run {folder}: its cells were {'; '.join(reasons)}, and no replicates "
        f"can be added to those here: `gradest run {sweep} -o {folder}` measures them again, "
        "and then they can be extended"
    )
