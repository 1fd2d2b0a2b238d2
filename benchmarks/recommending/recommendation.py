"""What `recommend` returns: what was found, shown as text and as HTML."""

from dataclasses import dataclass

from gradest.benchmarks.recommending.answers import Findings
from gradest.benchmarks.recommending.rendering import as_html, as_text


@dataclass(frozen=True, repr=False)
class Recommendation(Findings):
    """The ranking for one budget, which shows itself at a prompt and in a notebook."""

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
