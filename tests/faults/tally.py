"""What came of each kind of fault, counted."""

from collections import Counter
from typing import NamedTuple

from gradest.benchmarks.markdown import markdown_table, plain

TOLD = "told"
"""It was said, or what was damaged was made again."""
HARMLESS = "harmless"
"""Everything was as it would have been."""
WRONG = "wrong"
"""Something was not, and nobody said so."""
INTERNAL = "internal error"
"""It was called our fault, or the process died."""


class Tally(NamedTuple):
    """How many trials of one kind ended how."""

    kind: str
    fates: Counter[str]
    note: str = ""

    @property
    def trials(self) -> int:
        """How many there were."""
        return self.fates.total()

    @property
    def survived(self) -> int:
        """Those that were told or harmless."""
        return self.fates[TOLD] + self.fates[HARMLESS]

    @property
    def is_sound(self) -> bool:
        """Whether all survived."""
        return self.survived == self.trials > 0


PAGE = """# Faults made on purpose

Written by `make faults`, in {minutes:.0f} minutes. A trial survives where the damage is told (an
error that names it, or what was damaged is made again) or harmless (every number as it would have
been). What is promised, and what not, says [docs/reliability.md](../../docs/reliability.md).

{table}
"""


def page(tallies: list[Tally], minutes: float) -> str:
    """The tallies as a page in Markdown."""
    header = ["kind", "", "trials", "survived", "told", "harmless", "silently wrong", "internal"]
    rows = [
        [
            plain(tally.kind),
            plain(tally.note),
            str(tally.trials),
            str(tally.survived),
            *(str(tally.fates[fate]) for fate in (TOLD, HARMLESS, WRONG, INTERNAL)),
        ]
        for tally in tallies
    ]
    return PAGE.format(minutes=minutes, table=markdown_table(header, rows, left=2))
