"""What a `sim:` address may say, and what is answered to one that is wrong."""

import pytest

from watchpost.errors import ConfigError
from watchpost.simulation import Place, parse_uri


def test_bare_address_is_an_endless_street_where_people_only_walk() -> None:
    spec = parse_uri("sim:")

    assert spec.place is Place.STREET
    assert spec.seconds is None
    assert (spec.people, spec.activities) == (3, 0)
    assert (spec.width_px, spec.height_px, spec.fps) == (960, 540, 10.0)


def test_address_sets_every_parameter() -> None:
    spec = parse_uri(
        "sim:shop?seed=3&people=4&falls=2&seconds=60&fps=12.5&size=640x360&sitting=1&crouching=3&lying_down=1"
    )

    assert spec.place is Place.SHOP
    assert (spec.seed, spec.people, spec.falls, spec.sitting, spec.crouching, spec.lying_down) == (3, 4, 2, 1, 3, 1)
    assert (spec.seconds, spec.fps, spec.width_px, spec.height_px) == (60.0, 12.5, 640, 360)


def test_zero_seconds_mean_without_an_end() -> None:
    assert parse_uri("sim:street?seconds=0").seconds is None


def test_any_place_is_drawn_by_lot_from_the_seed() -> None:
    places = [parse_uri(f"sim:any?seed={seed}").place for seed in range(20)]

    assert set(places) == set(Place)
    assert places == [parse_uri(f"sim:any?seed={seed}").place for seed in range(20)]


@pytest.mark.parametrize(
    ("uri", "key", "said"),
    [
        ("rtsp://door", "sim", "begins with sim:"),
        ("sim:beach", "sim.place", "street, room, shop, any"),
        ("sim:street?peple=3", "sim.peple", "write people"),
        ("sim:street?colour=red", "sim.colour", "known are seed"),
        ("sim:street?people=three", "sim.people", "write 0 to 12"),
        ("sim:street?people=-1", "sim.people", "whole number"),
        ("sim:street?people=13", "sim.people", "write 0 to 12"),
        ("sim:street?people=", "sim.people", "got ''"),
        ("sim:street?people=1&people=2", "sim.people", "given twice"),
        ("sim:street?seed=1.5", "sim.seed", "whole number"),
        ("sim:street?fps=0", "sim.fps", "write 1 to 60"),
        ("sim:street?fps=nan", "sim.fps", "write 1 to 60"),
        ("sim:street?seconds=-5", "sim.seconds", "write 0 to 86400"),
        ("sim:street?size=960", "sim.size", "write size=960x540"),
        ("sim:street?size=961x540", "sim.size", "even"),
        ("sim:street?size=9600x5400", "sim.size", "160 to 1920"),
        ("sim:street?falls=1&seconds=5", "sim.seconds", "too short"),
        ("sim:street?falls=5&people=2&seconds=60", "sim.people", "raise people or seconds"),
        ("sim:street?falls=1&people=0", "sim.people", "raise people or seconds"),
    ],
)
def test_wrong_address_is_answered_with_the_parameter_and_a_remedy(uri: str, key: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_uri(uri)

    assert caught.value.key == key
    assert said in str(caught.value)
