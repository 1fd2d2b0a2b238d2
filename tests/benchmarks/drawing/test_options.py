"""How figures are to be printed, from what a user writes."""

import pytest

from gradest.benchmarks.drawing.options import formats_of, print_of
from gradest.benchmarks.drawing.styles import FORMATS, STYLES
from gradest.benchmarks.errors import BadInput


def test_what_is_not_asked_for_is_the_styles():
    for name, style in STYLES.items():
        assert print_of(name) == style
    assert print_of("talk", title=False).title is False
    assert print_of("paper", title=True).title is False


@pytest.mark.parametrize(
    ("width", "inches"),
    [("3.25in", 3.25), ("84mm", 3.307), ("8.4 cm", 3.307), (4, 4.0), ("345pt", 4.774)],
)
def test_widths(width, inches):
    assert print_of("paper", width=width).width == pytest.approx(inches, abs=1e-3)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"style": "papre"}, "style 'papre': expected one of screen, paper, talk; .*paper"),
        ({"font": "helvetica"}, "font 'helvetica': expected one of sans, cm"),
        ({"legend": "left"}, "legend 'left': expected one of right, none"),
        ({"width": "wide"}, "width 'wide': expected a length such as 3.25in"),
        ({"width": "3em"}, "width '3em'"),
        ({"width": "1in"}, "width '1in'.*of 2 to 60 inches"),
        ({"width": float("nan")}, "width nan"),
    ],
)
def test_what_is_refused(asked, message):
    with pytest.raises(BadInput, match=message):
        print_of(**asked)


def test_formats():
    assert formats_of(()) == FORMATS
    assert formats_of(("pdf", "png", "pdf")) == ("png", "pdf")
    with pytest.raises(BadInput, match=r"format 'jpg': expected one of png, svg, pdf.*png"):
        formats_of(("png", "jpg"))
