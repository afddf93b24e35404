"""What a supervisor says in its services' readiness: it is shown, and changes nothing in whether they are ready."""

import json
from pathlib import Path

import pytest

from watchpost.telemetry import NOTES_VARIABLE, Health, write_notes


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "notes.json"
    monkeypatch.setenv(NOTES_VARIABLE, str(path))
    return path


def test_note_is_shown_by_a_service_that_is_ready(notes: Path) -> None:
    write_notes(notes, {"config": "site.name: changed"})

    answer = Health("ingest").readiness()

    assert answer.status == 200
    assert json.loads(answer.body)["notes"] == {"config": "site.name: changed"}


@pytest.mark.parametrize("content", [None, "{}", "{", "[1]", "3"])
def test_readiness_without_a_note_is_as_ever(notes: Path, content: str | None) -> None:
    if content is not None:
        notes.write_text(content)

    answer = Health("ingest", "kafka").readiness()

    assert answer.status == 503
    assert json.loads(answer.body) == {"service": "ingest", "ready": False, "waits_for": {"kafka": "not started yet"}}
