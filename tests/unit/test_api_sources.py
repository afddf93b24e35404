"""What callers say of a source, and what they see of it."""

import asyncio
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.api import sources
from watchpost.api.parts import ApiParts
from watchpost.api.source_guard import Resolver
from watchpost.api.sources import credentials_of, guarded, shown_source
from watchpost.errors import CallError
from watchpost.settings import SiteSettings


def parts(resolve: Resolver) -> ApiParts:
    """As much of them as a source needs."""
    return cast("ApiParts", SimpleNamespace(settings=SiteSettings(), resolve=resolve))


def at_camera(_name: str) -> Sequence[str]:
    return ["10.0.0.7"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rtsp://10.0.0.7/live", "rtsp://10.0.0.7/live"),
        ("rtsp://user@10.0.0.7:8554/live", "rtsp://10.0.0.7:8554/live"),
        ("rtsps://10.0.0.7:322/live#host=nvr.shop.example", "rtsps://nvr.shop.example:322/live"),
        ("https://[fd00::7]/live#host=nvr.shop.example", "https://nvr.shop.example/live"),
        ("http://[fd00::7]:80/live", "http://[fd00::7]:80/live"),
        ("http://10.0.0.7/v?usr=a&Password=b;c&x=1", "http://10.0.0.7/v?usr=a&Password=***;c&x=1"),
        ("http://10.0.0.7/v?authToken=b", "http://10.0.0.7/v?authToken=***"),
        ("sim:street?seed=7", "sim:street?seed=7"),
        ("/dev/video0", "/dev/video0"),
        ("file:/videos/a.mp4?loop=1", "file:/videos/a.mp4?loop=1"),
    ],
)
def test_source_is_shown_by_its_name_and_without_secrets(source: str, expected: str) -> None:
    assert shown_source(source) == expected


@given(
    user=st.text(st.characters(codec="ascii", exclude_characters="/@#?:[]")), host=st.sampled_from(["h", "10.0.0.1"])
)
def test_no_userinfo_is_ever_shown(user: str, host: str) -> None:
    assert "@" not in shown_source(f"rtsp://{user}@{host}/live")


def test_name_is_looked_up_once_and_replaced_by_its_address() -> None:
    found = asyncio.run(guarded(parts(at_camera), "rtsp://a:b@nvr.shop.example/live", "source"))

    assert (found.source, found.credentials) == ("rtsp://10.0.0.7/live", "a:b")


def test_refused_source_names_the_field_and_not_the_password() -> None:
    with pytest.raises(CallError) as caught:
        asyncio.run(guarded(parts(at_camera), "rtsp://a:secret@127.0.0.1/live", "source"))

    assert (caught.value.kind, caught.value.field) == ("source-refused", "source")
    assert "secret" not in str(caught.value)


async def _slow_and_quick(release: threading.Event) -> tuple[str, str]:
    def slow(_name: str) -> Sequence[str]:
        release.wait(10)
        return ["10.0.0.7"]

    waiting = [asyncio.create_task(guarded(parts(slow), "rtsp://slow.example/", "source")) for _ in range(20)]
    await asyncio.sleep(0)
    quick = await guarded(parts(slow), "rtsp://10.0.0.8/live", "source")
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    return quick.source, {getattr(outcome, "kind", "") for outcome in outcomes}.pop()


def test_names_that_nobody_answers_for_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_LOOKED_UP_WITHIN_S", 0.1)
    release = threading.Event()
    try:
        assert asyncio.run(_slow_and_quick(release)) == ("rtsp://10.0.0.8/live", "source-refused")
    finally:
        release.set()


@pytest.mark.parametrize(
    ("username", "password", "in_url", "expected"),
    [
        (None, None, None, None),
        (None, None, "a:b", "a:b"),
        ("admin", "p:w ö", None, "admin:p:w ö"),
        ("admin", "", None, "admin:"),
    ],
)
def test_credentials_come_from_fields_or_address(
    username: str | None, password: str | None, in_url: str | None, expected: str | None
) -> None:
    assert credentials_of(username, password, in_url) == expected


@pytest.mark.parametrize(
    ("username", "password", "in_url", "field"),
    [
        ("admin", None, None, "password"),
        (None, "secret", None, "username"),
        ("admin", "secret", "a:b", "username"),
        ("ad:min", "secret", None, "username"),
        (" admin", "secret", None, "username"),
        ("", "secret", None, "username"),
        ("admin", "secret\n", None, "password"),
        ("admin", "secret ", None, "password"),
    ],
)
def test_credentials_that_cannot_be_used_name_the_field(
    username: str | None, password: str | None, in_url: str | None, field: str
) -> None:
    with pytest.raises(CallError) as caught:
        credentials_of(username, password, in_url)

    assert (caught.value.kind, caught.value.field) == ("invalid-request", field)
    assert "secret" not in str(caught.value)
