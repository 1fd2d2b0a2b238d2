"""A page of several runs: what each is, its answer, its first figure, and where its own page is.

It is one file without scripts, and its Content-Security-Policy allows nothing that is not in it.
"""

import base64
import html
import io
from collections.abc import Mapping
from pathlib import Path

from gradest.benchmarks.analysis.results import MEASUREMENTS, Run
from gradest.benchmarks.catalogue.listing import presets
from gradest.benchmarks.drawing.drawing import draw
from gradest.benchmarks.drawing.saving import METADATA
from gradest.benchmarks.drawing.styles import in_style
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.page.page import own
from gradest.benchmarks.paper.methods import name_of
from gradest.benchmarks.report.summary import Findings, answer, title
from gradest.benchmarks.reproductions.figures import figures_of

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)

GALLERY_TEXT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gallery · gradest</title>
<style>
{style}img {{ max-width: 100%; height: auto }}
</style>
</head>
<body>
<header>
<nav><a href="{home}">gradest</a></nav>
<h1>Gallery</h1>
<p>Runs, each with its first answer, its first figure and its page.</p>
<p class="note">An answer: who has the least relative RMSE at equal cost, at how many of the run's
places, and by how much; factors have paired 95 % intervals.</p>
</header>
<main>
{runs}
</main>
</body>
</html>
"""

RUN_TEXT = """<section id="{name}" aria-labelledby="{name}-title">
<h2 id="{name}-title"><a href="{address}">{name}</a></h2>
<p>{purpose}</p>
<p class="answer">{answer}</p>
{figure}
<p class="note">{title}</p>
</section>"""

FIGURE_TEXT = '<a href="{address}"><img src="data:image/png;base64,{image}" alt="{alt}"></a>'

DOTS_PER_INCH = 130
"""As sharp as a page needs, at half of what a file of its own weighs."""


def runs_in(folder: Path) -> list[Path]:
    """The folder, and those in it, that hold runs."""
    candidates = [folder, *sorted(folder.iterdir())]
    return [each for each in candidates if (each / MEASUREMENTS).is_file()]


def gallery(runs: Mapping[str, Run], home: str) -> str:
    """The page.

    Args:
        runs: each by the address of its own page, as it is from the gallery.
        home: the address of the page that the gallery belongs to.
    """
    return GALLERY_TEXT.format(
        policy=POLICY,
        style=own("page.css"),
        home=html.escape(home),
        runs="\n".join(section(address, run) for address, run in runs.items()),
    )


def section(address: str, run: Run) -> str:
    """A run's part of the page."""
    name = name_of(run)
    where = html.escape(address)
    found = Findings(run)
    first = next(figures_of(run, found.boards), None)
    return RUN_TEXT.format(
        name=html.escape(name),
        address=where,
        purpose=html.escape(presets().get(name, "")),
        answer=html.escape(answer(found)[0]),
        figure=figure_text(first, where) if first else "",
        title=html.escape(title(run.measurements)),
    )


def figure_text(spec: FigureSpec, address: str) -> str:
    """A figure that leads to the run's page."""
    image = base64.b64encode(as_png(spec)).decode()
    return FIGURE_TEXT.format(address=address, image=image, alt=html.escape(spec.title))


def as_png(spec: FigureSpec) -> bytes:
    """A figure's file, the same bytes each time."""
    drawn = io.BytesIO()
    with in_style():
        figure = draw(spec)
        figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH, metadata=METADATA["png"])
    return drawn.getvalue()
