"""A moment in a query, written out with its zone."""

from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

__all__ = ["Moment"]


def _written_out(value: object) -> object:
    """Refuse what pydantic would take for seconds since 1970: a caller who writes `5` means something else."""
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError("is no moment; write it as 2026-01-05T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
