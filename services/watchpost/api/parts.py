"""What every route of the api has at hand, so that none reaches for anything global."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from watchpost.api.access import Access
from watchpost.api.limits import CallLimiter
from watchpost.api.patient import PatientDisk
from watchpost.api.problems import ProblemKind, problem
from watchpost.api.secrets import SecretFiles
from watchpost.api.site_view import SiteView
from watchpost.api.source_guard import Resolver
from watchpost.api.spec_writer import SpecWriter
from watchpost.api.tokens import Caller
from watchpost.clock import Clock
from watchpost.settings import SiteSettings
from watchpost.telemetry import Health

__all__ = ["ApiParts", "CallerOf", "Parts", "ReadyParts"]


@dataclass(frozen=True, slots=True)
class ApiParts:
    """The api service's parts. `resolve` blocks: call it in a thread. `footage` asks the recordings' disk."""

    settings: SiteSettings
    clock: Clock
    health: Health
    view: SiteView
    specs: SpecWriter
    secrets: SecretFiles
    access: Access
    limiter: CallLimiter
    resolve: Resolver
    footage: PatientDisk


def _parts_of(call: HTTPConnection) -> ApiParts:
    parts: ApiParts = call.app.state.parts
    return parts


def _ready_parts_of(call: HTTPConnection) -> ApiParts:
    parts = _parts_of(call)
    waits_for = parts.health.waits_for()
    if waits_for:
        raise problem(
            ProblemKind.NOT_READY,
            "; ".join(f"{part}: {reason}" for part, reason in sorted(waits_for.items())),
            remedy="try again; GET /readyz says what the site waits for",
            headers={"Retry-After": "5"},
        )
    return parts


def _caller_of(call: HTTPConnection) -> Caller:
    caller: Caller = call.state.caller
    return caller


Parts = Annotated[ApiParts, Depends(_parts_of)]
"""The parts, whether the service is ready or not."""
ReadyParts = Annotated[ApiParts, Depends(_ready_parts_of)]
"""The parts of a service that waits for nothing; else the call is answered 503."""
CallerOf = Annotated[Caller, Depends(_caller_of)]
"""Who calls, as `GuardedRoute` found out."""
