"""What `watchpost audit` takes, and how its exit code comes about."""

import json
import re
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchpost.errors import ConfigError, WatchpostError

if TYPE_CHECKING:
    from watchpost.audit.report import Report

__all__ = ["audit_command"]

Address = Annotated[
    str | None, typer.Option("--central", metavar="HOST:PORT", help="The centre's Kafka; beats the file.")
]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="A file with a block central: its address, its security.")
]
Sites = Annotated[list[str] | None, typer.Option("--site", metavar="NAME", help="This site alone; may be repeated.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what happened since: 36h, 7d, or 2026-11-27T08:00 in UTC.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Everything that was found, for machines.")]


class Lane(StrEnum):
    """What may be audited alone."""

    EVENTS = "events"
    THUMBNAILS = "thumbnails"


Topic = Annotated[Lane | None, typer.Option(help="Events or thumbnails alone.")]


class _Exit(IntEnum):
    EXPLAINED = 0
    UNEXPLAINED = 1
    BAD_INPUT = 2
    NO_ANSWER = 3


def audit_command(
    central: Address = None,
    config: Config = None,
    site: Sites = None,
    topic: Topic = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Prove at the centre that nothing was lost, repeated or reordered on its way there.

    Exit code 0: every record is accounted for; 1: something is unexplained; 2: the options or the file are wrong;
    3: the centre does not answer, or refuses.
    """
    try:
        report = _audited(central, config, site or [], topic, since)
    except ConfigError as error:
        raise _ended(error, _Exit.BAD_INPUT) from error
    except WatchpostError as error:
        raise _ended(error, _Exit.NO_ANSWER) from error
    if as_json:
        typer.echo(json.dumps(report.as_plain(), indent=2))
    else:
        from watchpost.audit.showing import show

        show(report)
    raise typer.Exit(_Exit.EXPLAINED if report.is_explained else _Exit.UNEXPLAINED)


def _audited(
    central: str | None, config: Path | None, sites: list[str], topic: Lane | None, since: str | None
) -> "Report":
    from watchpost.audit.auditing import audit
    from watchpost.contracts import TopicName

    topics = [] if topic is None else [TopicName[topic.name]]
    return audit(
        _client(central, config), sites, topics, None if since is None else _since_ms(since, datetime.now(UTC))
    )


def _client(address: str | None, config: Path | None) -> dict[str, Any]:
    from watchpost.settings import SecuritySettings, load_settings
    from watchpost.stream import client_config

    known = None if config is None else load_settings(config).central
    bootstrap = address or (None if known is None else known.bootstrap)
    if bootstrap is None:
        raise ConfigError("--central", "there is no centre to audit", "write --central HOST:PORT, or name a --config")
    security = SecuritySettings() if known is None else known.security
    return client_config(bootstrap, security.client_config(), "watchpost-audit")


def _since_ms(since: str, now: datetime) -> int:
    ago = re.fullmatch(r"(\d+)([hd])", since)
    try:
        if ago is not None:
            moment = now - timedelta(hours=int(ago[1]) * (24 if ago[2] == "d" else 1))
        else:
            moment = datetime.fromisoformat(since)
    except (ValueError, OverflowError) as error:
        raise ConfigError("--since", f"{since!r} is no time", "write 36h, 7d, or 2026-11-27T08:00") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _ended(error: WatchpostError, code: _Exit) -> typer.Exit:
    typer.secho(f"watchpost: {error}", fg="red", err=True)
    return typer.Exit(code)
