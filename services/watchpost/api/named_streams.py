"""Takes in the streams of a camera that a caller names, and the one user and password with which both are opened.

streams = await named_streams(parts, change)      # judged by the guard, names resolved
streams.check_password_stays(before)
streams.addresses                                 # {"substream": "rtsp://10.0.0.8/sub"}: as a spec holds them
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchpost.api.camera_shapes import CameraChange, NewCamera
from watchpost.api.parts import ApiParts
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.source_guard import GuardedSource
from watchpost.api.sources import credentials_of, guarded
from watchpost.api.stream_addresses import same_server
from watchpost.contracts.records import CameraSpec

__all__ = ["NamedStreams", "named_streams"]

_SOURCE, _SUBSTREAM = "source", "substream"


@dataclass(frozen=True, slots=True)
class NamedStreams:
    """What a caller says of a camera's streams.

    Args:
        addresses: those that were named, by field, resolved and without credentials; None: there is to be none.
        credentials: `user:password` of both streams, for a file of secrets; None: they need none. Never shown.
        replaces_credentials: whether those that the camera has do not stay.
    """

    addresses: Mapping[str, str | None]
    credentials: str | None = field(repr=False)
    replaces_credentials: bool

    def check_password_stays(self, before: CameraSpec) -> None:
        """Refuse a change that would send a password where its giver did not send it: it could be read there.

        Raises:
            CallError: invalid-request, naming the stream.
        """
        named = _present(self.addresses)
        before_named = _present({_SOURCE: before.source, _SUBSTREAM: before.substream})
        if self.credentials is not None and named:
            stays = {stream: at for stream, at in before_named.items() if stream not in self.addresses}
            _check_known(
                stays, named, "stays at another server than the stream that is named, whose password is not sent there"
            )
        elif before.secret_ref is not None and not self.replaces_credentials:
            _check_known(named, before_named, "is at another server than the camera, whose password is not sent there")


async def named_streams(parts: ApiParts, camera: NewCamera | CameraChange) -> NamedStreams:
    """The streams that a body names, if its caller may have them opened.

    Raises:
        CallError: source-refused, naming the field; or user and password are said twice, or by halves.
    """
    source = None if camera.source is None else await guarded(parts, camera.source, _SOURCE)
    substream = None if camera.substream is None else await guarded(parts, camera.substream, _SUBSTREAM)
    password = None if camera.password is None else camera.password.get_secret_value()
    credentials = credentials_of(camera.username, password, _in_addresses(source, substream))
    addresses: dict[str, str | None] = {} if source is None else {_SOURCE: source.source}
    if _SUBSTREAM in camera.model_fields_set:
        addresses[_SUBSTREAM] = None if substream is None else substream.source
    says_login = not camera.model_fields_set.isdisjoint({"username", "password"})
    replaces_credentials = source is not None or credentials is not None or says_login
    return NamedStreams(addresses, credentials, replaces_credentials)


def _in_addresses(source: GuardedSource | None, substream: GuardedSource | None) -> str | None:
    """The user and password that stand in the addresses."""
    one, other = (None if stream is None else stream.credentials for stream in (source, substream))
    if one is not None and other is not None and one != other:
        raise problem(
            ProblemKind.INVALID_REQUEST,
            "its user and password are not those in source, and a camera has one of each for both streams",
            field=_SUBSTREAM,
            remedy="name a user of the camera that may see both, in one of the two or by username and password",
        )
    return other if one is None else one


def _present(addresses: Mapping[str, str | None]) -> dict[str, str]:
    return {stream: address for stream, address in addresses.items() if address is not None}


def _check_known(sent: Mapping[str, str], known: Mapping[str, str], otherwise: str) -> None:
    """Refuse what would be `sent` a password at a server where none of the `known` streams is."""
    for stream, address in sent.items():
        if not any(same_server(address, one) for one in known.values()):
            raise problem(
                ProblemKind.INVALID_REQUEST,
                otherwise,
                field=stream,
                remedy="send source, substream, username and password together, or name streams of one server",
            )
