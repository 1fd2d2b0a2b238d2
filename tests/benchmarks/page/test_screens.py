"""The page as it is seen: on a wide and on a narrow screen, on paper, by eye and by keyboard."""

import contextlib
import itertools

import pytest

from tests.support.browser import opened

BOX = "byId('graph').getBoundingClientRect()"


@contextlib.contextmanager
def narrow(page):
    """A screen of 400 pixels."""
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    try:
        page.until("matchMedia(NARROW).matches && byId('graph').classList.contains('narrow')")
        yield
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


def test_it_fits_a_narrow_screen_and_a_sheet_of_paper(page):
    with narrow(page):
        assert page.run("document.documentElement.scrollWidth") <= 400
    assert len(page.call("Page.printToPDF")["data"]) > 10_000


@pytest.mark.parametrize("mode", ["direct", "reparameterized", "scored", "straight", "gumbel"])
def test_the_graph_fits_a_narrow_screen_with_texts_that_can_be_read(page, mode):
    """Nothing is scrolled, no text is below 11 pixels, beyond the graph, or on another."""
    boxes = (
        "[...document.querySelectorAll('#graph text')].map(e => e.getBoundingClientRect())"
        ".map(({left, right, top, bottom}) => [left, right, top, bottom])"
    )
    page.run(f"document.querySelector('#modes [data-key={mode}]').click()")
    with narrow(page):
        assert page.run("byId('graph').parentElement.scrollWidth") <= 400
        scale = page.run("byId('graph').getScreenCTM().a")
        font = page.run("parseFloat(getComputedStyle(byId('graph')).fontSize)")
        texts = page.run(boxes)
        left, right = page.run(f"(box => [box.left, box.right])({BOX})")
    assert scale * font >= 11
    assert len(texts) >= 8
    assert all(left <= text[0] and text[1] <= right for text in texts)
    assert not [pair for pair in itertools.combinations(texts, 2) if on_each_other(*pair)]


def on_each_other(one, other):
    """Whether two boxes, as left, right, top and bottom, share more than 3 pixels each way."""
    across = min(one[1], other[1]) - max(one[0], other[0])
    along = min(one[3], other[3]) - max(one[2], other[2])
    return across > 3 and along > 3


def test_of_many_estimators_eight_are_shown_and_a_button_shows_all(browser, temperature_file):
    visible = "[...document.querySelectorAll('#ranking tbody tr')].filter(e => !e.hidden).length"
    drawn = "byId('profile-legend').children.length"
    lines = "document.querySelectorAll('#profile path[aria-roledescription=\"line mark\"]').length"
    with opened(browser, temperature_file) as page:
        assert page.run("byId('ranking').tBodies[0].rows.length") == 30
        assert [page.run(visible), page.run(drawn)] == [8, 8]
        page.until(f"{lines} === 8")
        latex = page.run("latexOf(byId('ranking'))")
        assert latex.count("\\\\\n") == 9
        assert page.run("byId('shares').tBodies[0].rows.length") == 30
        for part, shown_now in {"ranking": visible, "profile": drawn}.items():
            tab_to(page, f"{part}-all")
            assert page.run("document.activeElement.textContent") == "all 30"
            page.press("Enter", 13, text="\r")
            assert page.run(shown_now) == 30
            assert page.run("document.activeElement.id") == f"{part}-all"
            assert page.run("document.activeElement.getAttribute('aria-expanded')") == "true"
        page.until(f"{lines} === 30")
        assert "all=ranking%2Cprofile" in page.run("location.hash")
        page.press("Enter", 13, text="\r")
        assert [page.run(visible), page.run(drawn)] == [30, 8]


def tab_to(page, name):
    """Goes on to a control with the tabulator alone."""
    for _ in range(100):
        if page.run("document.activeElement.id") == name:
            return
        page.press("Tab", 9)
    raise AssertionError(f"{name}: no tabulator leads there")


def test_what_is_biased_is_hatched_in_its_own_colour(page):
    """Hatching means bias, and no colour does: a bar has the hue of its estimator's curves."""
    looks = page.run(
        "[...document.querySelectorAll('#ranking tbody tr')].map(row => [row.cells[1].textContent, "
        "row.querySelector('.bar').classList.contains('biased'), "
        "getComputedStyle(row.querySelector('.bar')).backgroundImage !== 'none', "
        "getComputedStyle(row.querySelector('.bar')).getPropertyValue('--hue')])"
    )
    colors = dict(zip(*page.run("[estimators.label, estimators.color]"), strict=True))
    assert {biased for _, biased, *_ in looks} == {True, False}
    assert all(biased == hatched for _, biased, hatched, _ in looks)
    assert {name: hue for name, *_, hue in looks} == {name: colors[name] for name, *_ in looks}


def test_equal_curves_are_not_read_as_one_estimator(page):
    assert page.run("[nameOf(['a']), nameOf(['a', 'b']), nameOf(['a', 'b', 'c'])]") == [
        "a",
        "a and b: equal here",
        "a; b and c: equal here",
    ]
    legend = page.run("byId('legend').textContent")
    assert "Gumbel-softmax and score function: equal here" in legend
    assert " = " not in legend
