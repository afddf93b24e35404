"""The outage that the demo shows: when it comes, when it is over, and how it looks."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from watchpost.simulation.wan import LinkState, WanLink
from watchpost.site.delivery import Delivery
from watchpost.site.demo_outage import Outage, OutagePhase
from watchpost.site.demo_report import report, summary
from watchpost.site.demo_view import DemoFigures, demo_screen, render
from watchpost.stream.free_ports import free_port


@pytest.fixture
def outage() -> Iterator[Outage]:
    with WanLink(free_port()) as link:
        yield Outage(link, lasts_s=20)


def figures_of(outage: Outage | None) -> DemoFigures:
    return DemoFigures("simulated street", Path("/tmp/demo/run"), outage=outage)  # noqa: S108  (nothing is written)


def state_of(outage: Outage) -> tuple[OutagePhase, LinkState]:
    return outage.phase, outage.link.state


def test_outage_waits_for_events_and_for_the_page_to_be_seen(outage: Outage) -> None:
    outage.look(now_s=9, arrived=3, waiting=0)
    outage.look(now_s=30, arrived=0, waiting=5)
    assert state_of(outage) == (OutagePhase.AHEAD, LinkState.UP)

    outage.look(now_s=31, arrived=1, waiting=0)

    assert state_of(outage) == (OutagePhase.CUT, LinkState.CUT)
    assert outage.most_waiting == 0


def test_outage_ends_after_its_time_and_is_over_once_nothing_waits(outage: Outage) -> None:
    outage.look(now_s=10, arrived=1, waiting=0)
    outage.look(now_s=29, arrived=1, waiting=4)
    assert state_of(outage) == (OutagePhase.CUT, LinkState.CUT)
    assert outage.words(29) == "uplink CUT, back in 1 s"

    outage.look(now_s=30, arrived=1, waiting=6)
    outage.look(now_s=31, arrived=3, waiting=2)
    assert state_of(outage) == (OutagePhase.CATCHING_UP, LinkState.UP)

    outage.look(now_s=32.5, arrived=9, waiting=0)

    assert outage.phase is OutagePhase.OVER
    assert (outage.caught_up_after_s, outage.most_waiting) == (2.5, 6)
    assert [outage.is_shown(now_s) for now_s in (33, 38)] == [False, True]


def test_outage_that_is_not_caught_up_ends_nevertheless_and_says_so(outage: Outage) -> None:
    for now_s in (10, 30, 151):
        outage.look(now_s, arrived=1, waiting=3)

    assert outage.phase is OutagePhase.OVER
    assert "not caught up" in outage.words(151)
    assert "not caught up" in summary(figures_of(outage), Delivery(4, 1, 3, 0))


def test_summary_and_report_say_what_became_of_the_events(outage: Outage) -> None:
    for now_s, waiting in ((10, 0), (29, 6), (30, 6), (32, 0)):
        outage.look(now_s, arrived=1, waiting=waiting)
    figures, delivery = figures_of(outage), Delivery(11, 11, 0, 0)

    assert summary(figures, delivery) == (
        "Events: 11 at the site, 11 at the centre, lost 0, repeated 0. "
        "Uplink cut for 20 s: at most 6 waited, caught up in 2.0 s."
    )
    assert report(figures, delivery)["outage"] == {
        "phase": "over",
        "lasted_s": 20,
        "most_events_waiting": 6,
        "caught_up_after_s": 2.0,
    }
    assert "outage" not in report(figures_of(None), delivery)


def test_screen_that_is_no_terminal_gets_a_line_for_each_news_and_no_more(outage: Outage) -> None:
    output = StringIO()
    figures = figures_of(outage)

    with demo_screen(Console(file=output, width=40), stays=True) as screen:
        for running_s, waiting in ((9, 0), (10, 0), (11, 2), (12, 2)):
            figures.running_s, figures.events_waiting = running_s, waiting
            outage.look(running_s, arrived=1, waiting=waiting)
            screen.show(figures)

    assert output.getvalue().splitlines() == [
        "   9 s  uplink up, will be cut for 20 s; events: 0 waiting at the site, 0 at the centre",
        "  10 s  uplink CUT for 20 s; events: 0 waiting at the site, 0 at the centre",
        "  11 s  uplink CUT for 20 s; events: 2 waiting at the site, 0 at the centre",
    ]


@pytest.mark.parametrize("width", [45, 80, 120])
def test_page_cuts_no_word_off_however_narrow_the_terminal(outage: Outage, width: int) -> None:
    figures = figures_of(outage)
    figures.alive = {"ingest": True, "inference": True, "events": True, "bridge": False}
    figures.events_waiting = 12
    console = Console(file=StringIO(), width=width, record=True)

    console.print(render(figures, width))

    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    # what rich puts where a word was cut off
    assert "…" not in text
    assert "12 waiting at the site" in " ".join(text.split())
