"""The page as one file: the template with the run's name, its data, our scripts and Vega's.

It is the same bytes each time, fetches nothing, and its Content-Security-Policy forbids to. Scripts
are allowed by their checksums alone, so no name in a run could be one. Vega interprets its
expressions (`ast`), for it may not compile them.
"""

import base64
import html
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.comparisons.levels import MORE, RULE, Levels
from gradest.benchmarks.page.contents import contents
from gradest.benchmarks.page.training import training_contents
from gradest.benchmarks.training_shown.words import Told

VENDORED = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js")

SCRIPTS = (
    "elements.js",
    "run.js",
    "answer.js",
    "matrix.js",
    "curves.js",
    "training.js",
    "paper.js",
    "flow.js",
    "code.js",
)
"""Ours, in the order in which they need each other; `main.js`, which starts the page, is last."""

LAST = "main.js"

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page(run: Run, health: Sequence[str], levels: Levels, trained: Sequence[Told]) -> str:
    """A run's page.

    Args:
        run: a finished one.
        health: what is to be said of it, a line each.
        levels: its rows by the rule of equal cost.
        trained: what is said of each contest.
    """
    data = contents(run, health, levels) | {"training": training_contents(trained)}
    scripts = [vendored(name) for name in VENDORED]
    scripts.append("\n".join(['"use strict";', *map(own, (*SCRIPTS, LAST))]))
    values = {
        "POLICY": POLICY.format(scripts=" ".join(map(checksum, scripts))),
        "TITLE": html.escape(f"{data['name']} · gradest"),
        "NAME": html.escape(data["name"]),
        "RULE": html.escape(RULE),
        "MORE": html.escape(MORE),
        "STYLE": own("page.css"),
        "DATA": as_json(data),
        "SCRIPTS": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: values[match[1]], own("page.html"))


def own(name: str) -> str:
    """A file of this folder."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def vendored(name: str) -> str:
    """A script of others, without the line that names a map of it, which is not there."""
    text = (files(__package__) / "vendor" / name).read_text(encoding="utf-8")
    return re.sub(r"\n//# sourceMappingURL=\S+\s*$", "\n", text)


def checksum(script: str) -> str:
    """A script's checksum as a policy names it."""
    return f"'sha256-{base64.b64encode(sha256(script.encode('utf-8')).digest()).decode()}'"


def as_json(data: Any) -> str:
    """JSON that holds no tag, whatever a name does."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
