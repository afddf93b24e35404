"""Who may call what: by token, from this machine, or anonymously to POST /analyze alone."""

from typing import Literal

import pytest
from starlette.requests import HTTPConnection

from watchpost.api.access import Access
from watchpost.api.tokens import Role, TokenBook, new_token
from watchpost.errors import CallError
from watchpost.settings import ApiSettings

TOKENS = {role: new_token(f"a {role}", role) for role in Role}
CALLS = (
    ("GET", "/cameras", Role.VIEWER),
    ("GET", "/events/{event_id}", Role.VIEWER),
    ("POST", "/cameras", Role.OPERATOR),
    ("DELETE", "/cameras/{name}", Role.OPERATOR),
    ("POST", "/analyze", Role.OPERATOR),
    # it opens a stream: who may only look may not have one opened
    ("GET", "/analyze/stream", Role.OPERATOR),
)
ELSEWHERE = "192.168.1.20"


def access(*, loopback: bool = True, anonymous: Literal["none", "analyze"] = "none") -> Access:
    tokens = tuple(entry for _, entry in TOKENS.values())
    settings = ApiSettings(tokens=tokens, loopback=loopback, anonymous=anonymous)
    return Access(settings, TokenBook(settings))


def call(peer: str | None, **headers: str) -> HTTPConnection:
    """A call from `peer`; `host` is 127.0.0.1:7860 unless given."""
    named = {"host": "127.0.0.1:7860", **headers}
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    return HTTPConnection({"type": "http", "headers": raw, "client": None if peer is None else (peer, 50000)})


def outcome(guard: Access, connection: HTTPConnection, method: str = "GET", path: str = "/cameras") -> str:
    """The caller's role, or the kind of the problem."""
    try:
        return guard.caller(connection, method, path).role
    except CallError as error:
        return error.kind


@pytest.mark.parametrize(("method", "path", "needed"), CALLS)
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("peer", ["127.0.0.1", ELSEWHERE, None])
def test_token_opens_what_its_role_includes_wherever_it_comes_from(
    peer: str | None, role: Role, method: str, path: str, needed: Role
) -> None:
    connection = call(peer, authorization=f"Bearer {TOKENS[role][0]}")

    expected = role.value if role.includes(needed) else "forbidden"
    assert outcome(access(), connection, method, path) == expected


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "192.168.1.5:7860"])
def test_this_machine_needs_no_token(peer: str, host: str) -> None:
    assert outcome(access(), call(peer, host=host), "DELETE", "/cameras/{name}") == "admin"
    assert outcome(access(loopback=False), call(peer, host=host)) == "unauthenticated"


@pytest.mark.parametrize("peer", [ELSEWHERE, "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "2001:db8::1", None, "x"])
def test_another_machine_needs_one(peer: str | None) -> None:
    assert outcome(access(), call(peer)) == "unauthenticated"


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_for": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"x_real_ip": "::1"},
        {"via": "1.1 proxy"},
    ],
)
def test_proxy_is_never_believed(headers: dict[str, str]) -> None:
    assert outcome(access(), call(ELSEWHERE, **headers)) == "unauthenticated"
    # one on this machine speaks for somebody else
    assert outcome(access(), call("127.0.0.1", **headers)) == "unauthenticated"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},  # a name that was made to lead here: DNS rebinding
        {"host": "127.0.0.1.evil.example:7860"},
        {"host": "localhost.evil.example"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:3000"},
        {"origin": "http://127.0.0.1:7861"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_page_of_another_site_does_not_count_as_this_machine(headers: dict[str, str]) -> None:
    assert outcome(access(), call("127.0.0.1", **headers)) == "cross-site"
    # nor does it become anonymous: the visitor's browser is not the one who wants to call
    assert outcome(access(anonymous="analyze"), call("127.0.0.1", **headers), "POST", "/analyze") == "cross-site"
    with_token = call("127.0.0.1", authorization=f"Bearer {TOKENS[Role.VIEWER][0]}", **headers)
    assert outcome(access(), with_token) == "viewer"


@pytest.mark.parametrize("headers", [{"origin": "http://127.0.0.1:7860"}, {"sec_fetch_site": "same-origin"}])
def test_own_page_counts_as_this_machine(headers: dict[str, str]) -> None:
    assert outcome(access(), call("127.0.0.1", **headers)) == "admin"


@pytest.mark.parametrize(("method", "path", "needed"), CALLS)
def test_anybody_may_post_to_analyze_where_that_is_allowed_and_nothing_else(
    method: str, path: str, needed: Role
) -> None:
    guard = access(anonymous="analyze")

    expected = needed.value if (method, path) == ("POST", "/analyze") else "unauthenticated"
    assert outcome(guard, call(ELSEWHERE), method, path) == expected
    assert outcome(access(), call(ELSEWHERE), method, path) == "unauthenticated"


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", "", "Basic d2F0Y2g6cG9zdA==", "bearer  \xff"])
@pytest.mark.parametrize("peer", ["127.0.0.1", ELSEWHERE])
def test_wrong_token_is_told_even_where_none_is_needed(peer: str, authorization: str) -> None:
    guard = access(anonymous="analyze")

    with pytest.raises(CallError) as caught:
        guard.caller(call(peer, authorization=authorization), "POST", "/analyze")
    assert caught.value.kind == "unauthenticated"
    assert caught.value.headers["WWW-Authenticate"] == 'Bearer realm="watchpost", error="invalid_token"'


def test_anonymous_callers_are_told_apart_by_their_network() -> None:
    guard = access(anonymous="analyze")
    peers = ["203.0.113.7", "203.0.113.8", "2001:db8:1:2::5", "2001:db8:1:2:ffff::5", "2001:db8:1:3::5"]

    names = [guard.caller(call(peer), "POST", "/analyze").name for peer in peers]

    assert len(set(names)) == 4
    assert names[2] == names[3]
