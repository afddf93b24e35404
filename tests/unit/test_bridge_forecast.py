"""When everything will be at the centre, foretold from what went."""

import pytest

from watchpost.bridge.forecast import Forecast, LaneCount

EVENT_BYTES, THUMBNAIL_BYTES = 150, 12_000
LINK_BYTES_PER_S = 200_000


class Site:
    """Two lanes that share a link, a second at a time, events first."""

    def __init__(self, events: int, thumbnails: int, comes_per_s: tuple[int, int] = (0, 0)) -> None:
        self.waiting = [events, thumbnails]
        self.sent = [0, 0]
        self.wire = [0, 0]
        self.comes_per_s = comes_per_s
        self.now_s = 0.0
        self.forecast = Forecast({"events": 400.0, "thumbnails": 11_000.0})

    def pass_s(self, seconds: int, *, link: bool = True) -> None:
        for _ in range(seconds):
            self.now_s += 1
            left = LINK_BYTES_PER_S if link else 0
            for lane, size in enumerate((EVENT_BYTES, THUMBNAIL_BYTES)):
                self.waiting[lane] += self.comes_per_s[lane]
                gone = min(self.waiting[lane], left // size)
                self.waiting[lane] -= gone
                self.sent[lane] += gone
                self.wire[lane] += gone * size
                left -= gone * size
                count = LaneCount(self.now_s, self.waiting[lane], self.sent[lane], self.wire[lane])
                self.forecast.seen(("events", "thumbnails")[lane], count)
            self.forecast.catch_up_s()  # as the bridge asks, each second

    def takes_s(self) -> int:
        """How long it takes in truth."""
        began_s = self.now_s
        while any(self.waiting):
            self.pass_s(1)
        return round(self.now_s - began_s)


def test_nothing_waits_is_now() -> None:
    site = Site(0, 0)
    site.pass_s(10)

    assert site.forecast.catch_up_s() == 0


@pytest.mark.parametrize("comes_per_s", [(0, 0), (20, 3)])
@pytest.mark.parametrize("passed_s", [60, 300])
def test_forecast_is_near_the_truth_while_events_go_and_while_thumbnails_do(
    passed_s: int, comes_per_s: tuple[int, int]
) -> None:
    site = Site(150_000, 20_000, comes_per_s)
    site.pass_s(passed_s)

    foretold_s = site.forecast.catch_up_s()

    assert foretold_s == pytest.approx(site.takes_s(), rel=0.2)


def test_sample_of_what_waits_counts_until_some_of_it_went() -> None:
    site = Site(0, 1000)
    site.forecast.sampled("thumbnails", 2 * THUMBNAIL_BYTES)
    site.pass_s(1)
    site.forecast.sampled("thumbnails", 100)
    site.pass_s(30)

    assert site.forecast.catch_up_s() == pytest.approx(site.takes_s(), rel=0.1)


def test_outage_is_foretold_by_the_pace_before_it() -> None:
    site = Site(0, 20_000)
    site.pass_s(130)
    site.pass_s(300, link=False)

    assert site.forecast.catch_up_s() == pytest.approx(site.takes_s(), rel=0.2)


@pytest.mark.parametrize("comes_per_s", [(0, 0), (0, 40)])
def test_what_never_moves_or_grows_faster_than_it_goes_is_not_foretold(comes_per_s: tuple[int, int]) -> None:
    site = Site(0, 5000, comes_per_s)
    site.pass_s(60, link=comes_per_s != (0, 0))

    assert site.forecast.catch_up_s() is None
