"""Decides who may call what, before anything of the call is read."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from starlette.requests import HTTPConnection

from watchpost.api.problems import ProblemKind, problem
from watchpost.api.tokens import Caller, Role, TokenBook
from watchpost.errors import CallError
from watchpost.settings import ApiSettings

__all__ = ["Access", "needed_role"]

_ANONYMOUS_CALL = ("POST", "/analyze")
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_BROWSERS_OWN = frozenset({"same-origin", "none"})
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_SEND_TOKEN = "send `Authorization: Bearer TOKEN`; `watchpost token new` makes one"  # noqa: S105  (no secret)


def needed_role(method: str, path: str) -> Role:
    """Who looks needs less than who has the site do something; to watch a stream opens it, also by GET."""
    if method in _SAFE_METHODS and not path.startswith("/analyze"):
        return Role.VIEWER
    return Role.OPERATOR


class Access:
    """Lets callers in: by their token, as somebody on this machine, or, to POST /analyze alone, as anybody.

    Args:
        settings: what is allowed without a token.
        tokens: who has which token.
    """

    def __init__(self, settings: ApiSettings, tokens: TokenBook) -> None:
        self._settings = settings
        self._tokens = tokens

    def caller(self, call: HTTPConnection, method: str, path: str) -> Caller:
        """Who calls, if they may.

        Args:
            call: its headers, and where it came from.
            method: as in the call.
            path: as in the route: `/cameras/{name}`.

        Raises:
            CallError: unauthenticated, forbidden or cross-site.
        """
        caller = self._known(call, anonymous=(method, path) == _ANONYMOUS_CALL)
        needed = needed_role(method, path)
        if not caller.role.includes(needed):
            raise problem(
                ProblemKind.FORBIDDEN,
                f"{caller.name} is {caller.role}, and {method} {path} needs {needed}",
                remedy=f"call with the token of one who is {needed}",
            )
        return caller

    def _known(self, call: HTTPConnection, *, anonymous: bool) -> Caller:
        authorization = call.headers.get("authorization")
        if authorization is not None:
            return self._by_token(authorization)
        objection = _not_this_machine(call) if self._settings.loopback else _unauthenticated("there is no token")
        if objection is None:
            return Caller("this machine", Role.ADMIN)
        if anonymous and self._settings.anonymous == "analyze" and objection.kind != ProblemKind.CROSS_SITE:
            return Caller(f"anonymous {_network_of(call)}", Role.OPERATOR)
        raise objection

    def _by_token(self, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        caller = self._tokens.caller_of(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise _unauthenticated("nobody has this token", error="invalid_token")
        return caller


def _not_this_machine(call: HTTPConnection) -> CallError | None:
    """Why the call does not count as this machine's own.

    A page of any site can have its visitor's browser call loopback: names that lead here (DNS rebinding) and other
    sites' pages are refused. Who sits behind a proxy on this machine is somebody else: no proxy's word counts.
    """
    if call.client is None or not _is_loopback(call.client.host):
        return _unauthenticated("there is no token")
    if any(name in call.headers for name in _PROXY_HEADERS):
        return _unauthenticated("the call came through a proxy, so it is not known to be this machine's own")
    host = call.headers.get("host", "")
    if not _is_literal_or_localhost(_without_port(host)):
        return _cross_site("it was sent to a name, not to localhost or an address")
    if call.headers.get("sec-fetch-site", "none") not in _BROWSERS_OWN:
        return _cross_site("a browser sent it for another site's page")
    origin = call.headers.get("origin")
    if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
        return _cross_site("a browser sent it for a page of another origin")
    return None


def _unauthenticated(detail: str, *, error: str | None = None) -> CallError:
    challenge = 'Bearer realm="watchpost"' + (f', error="{error}"' if error else "")
    headers: Mapping[str, str] = {"WWW-Authenticate": challenge}
    return problem(ProblemKind.UNAUTHENTICATED, detail, remedy=_SEND_TOKEN, headers=headers)


def _cross_site(why: str) -> CallError:
    return problem(
        ProblemKind.CROSS_SITE,
        f"the call comes from this machine without a token, and {why}",
        remedy=f"call http://127.0.0.1 directly, or {_SEND_TOKEN}",
    )


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_literal_or_localhost(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _network_of(call: HTTPConnection) -> str:
    """Whose calls are counted together: an address, of IPv6 its network, which one household has whole."""
    host = "" if call.client is None else call.client.host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address) if address.version == 4 else address.exploded[:19]  # noqa: PLR2004  (IPv4)
