"""docs/papers.md, made from the presets and the committed runs: `make papers-page` writes it."""

import os
from collections.abc import Iterator
from pathlib import Path

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import MEASUREMENTS, Run, read_run
from gradest.benchmarks.catalogue.page import without_bars
from gradest.benchmarks.catalogue.papers import PaperPreset, paper_presets
from gradest.benchmarks.markdown import markdown_table, plain
from gradest.benchmarks.paper_metrics.metrics import METRICS
from gradest.benchmarks.reproductions.figures import figures_of
from gradest.benchmarks.reproductions.numbers import FILE, Count, count_of, headlines
from gradest.benchmarks.runtime.files import write_atomically
from gradest.benchmarks.runtime.source_code import package_root

TOP = package_root().parent
"""The repository."""

PAGE = Path("docs/papers.md")

RUNS = Path("results/reference/papers")
"""Where `make papers` measures them."""

PAGE_TEXT = """# Papers

Made from the presets and their committed runs by `make papers-page`; `make papers` measures them
all. `gradest run NAME` repeats a paper and prints its numbers beside ours, `gradest describe NAME`
has the settings and where each number was read, `gradest list --papers` this list.

{count}

What agrees is a test at 95 % that knows three errors: of the reading, of the authors' number of
draws, and of ours; along training also how far seeds lie apart, of which most papers ran one; over
a paper by Benjamini and Hochberg ([how](how-numbers-come-about.md#published-numbers)). Numbers that
nobody can tell whether they should agree, by ties or because another thing was measured, are shown
and not counted.

{table}

## Metrics

A published number is of the paper's own metric, for which a sweep has a name. g is an estimate, P
the number of its coordinates, s² a variance.

{metrics}

{papers}
"""

NOT_RUN = "not measured here yet"


def page() -> str:
    """The text of the page."""
    papers = paper_presets()
    runs = {paper.name: run_called(paper.name) for paper in papers}
    counts = [count for paper in papers if (count := counted(runs[paper.name]))]
    return PAGE_TEXT.format(
        count=total(counts),
        table=table_of(papers, runs),
        metrics=metrics_table(),
        papers="\n\n".join(section(paper, runs[paper.name]) for paper in papers),
    )


def run_called(name: str) -> Run | None:
    """The committed run of a paper; None where there is none."""
    folder = TOP / RUNS / name
    return read_run(folder) if (folder / MEASUREMENTS).is_file() else None


def counted(run: Run | None) -> Count | None:
    """How many numbers of a run agree; None where it has none."""
    return count_of(run.published) if run is not None and run.published is not None else None


def total(counts: list[Count]) -> str:
    """How many numbers of all papers agree."""
    if not counts:
        return f"**{NOT_RUN.capitalize()}.**"
    agree, number, shown = (sum(column) for column in zip(*counts, strict=True))
    return f"**{Count(agree, number, shown).text}**, of {several(len(counts), 'paper')}."


def table_of(papers: list[PaperPreset], runs: dict[str, Run | None]) -> str:
    """A line for each paper."""
    rows = [
        [
            f"[`{paper.name}`](#{paper.name})",
            plain(paper.reference),
            plain(paper.what),
            verdict(paper, runs[paper.name]),
        ]
        for paper in papers
    ]
    return markdown_table(["preset", "paper", "what is repeated", "agree"], rows)


def verdict(paper: PaperPreset, run: Run | None) -> str:
    """How many of a paper's numbers agree, in few words."""
    if not paper.published:
        return "no numbers"
    count = counted(run)
    return f"{count.agree} of {count.counted}" if count else NOT_RUN


def metrics_table() -> str:
    """What each metric is."""
    rows = [
        [f"`{name}`", plain(metric.words), without_bars(f"${metric.latex}$")]
        for name, metric in METRICS.items()
    ]
    return markdown_table(["metric", "what it is", "formula"], rows)


def section(paper: PaperPreset, run: Run | None) -> str:
    """A paper: what it is, what does not agree, and its figure."""
    lines = [f"## {paper.name}", f"{plain(paper.what)}."]
    if paper.code:
        lines.append(f"Settings and numbers: {plain(paper.code)}.")
    if run is None:
        return "\n\n".join([*lines, f"{NOT_RUN.capitalize()}."])
    said = headlines(run)
    if said:
        lines.append("\n".join(f"- {plain(text)}" for text in said))
    if run.published is not None:
        lines.append(f"[All of its numbers]({link(run.folder / 'tables' / f'{FILE}.md')}).")
    return "\n\n".join([*lines, *figure_lines(paper, run)])


def figure_lines(paper: PaperPreset, run: Run) -> Iterator[str]:
    """The first figure of a run, where it was drawn."""
    first = next(figures_of(run), None)
    if first is not None:
        path = run.folder / "figures" / f"{first.name}.png"
        yield f"![{plain(paper.name)}: {plain(first.title)}]({link(path)})"


def link(path: Path) -> str:
    """A file of the repository as a link from the page."""
    return os.path.relpath(path, TOP / PAGE.parent)


def main() -> None:
    """Writes the page."""
    write_atomically(TOP / PAGE, page())


if __name__ == "__main__":
    main()
