"""The scorer against a real HTTP server whose answers come from the pictures that arrive there."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from structlog.testing import capture_logs

from tests.fakes.openai_server import Mode, OpenAiServer
from tests.fakes.tls_front import TlsFront, made_certificate
from tests.waiting import wait_for
from watchpost.errors import ConfigError, ModelError, RetryableError
from watchpost.inference.questions import COUNT_PEOPLE, AskedQuestion, QuestionSheet
from watchpost.inference.remote import RemoteScorer
from watchpost.inference.scorer import Look
from watchpost.settings import RemoteSettings
from watchpost.stream.free_ports import free_port

BRIGHT, DARK = AskedQuestion("bright", "Is it bright?"), AskedQuestion("dark", "Is it dark?")
SHEET = QuestionSheet((COUNT_PEOPLE, DARK, BRIGHT))
Pixels = npt.NDArray[np.uint8]
Scorers = Callable[..., RemoteScorer]


@pytest.fixture
def scorer_of() -> Iterator[Scorers]:
    """Makes scorers of a server, and ends them."""
    with ExitStack() as stack:

        def made(server: OpenAiServer, **changed: object) -> RemoteScorer:
            told = {"url": server.url, "model": server.model, "timeout_s": 5.0, **changed}
            scorer = RemoteScorer(RemoteSettings.model_validate(told))
            stack.callback(scorer.close)
            return scorer

        yield made


def grey(level: int, spots: int = 0) -> Pixels:
    """An evenly grey picture with so many white squares."""
    picture = np.full((360, 640, 3), level, np.uint8)
    for place in range(spots):
        picture[40:60, 20 + 50 * place : 40 + 50 * place] = 255
    return picture


def look(level: int, sheet: QuestionSheet = SHEET) -> Look:
    return Look(grey(level), sheet)


def share(scorer: RemoteScorer, level: int) -> float:
    """How probable yes is where the question is whether a picture of this level is bright."""
    ((scores,),) = scorer.score([look(level, QuestionSheet((BRIGHT,)))])
    return math.exp(scores.log_probabilities[0])


@pytest.mark.parametrize("prefill", [True, False])
def test_answers_come_from_the_picture_and_each_from_its_own_question(
    scorer_of: Scorers,
    prefill: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    with OpenAiServer(continues=prefill) as server:
        scores = scorer_of(server, prefill=prefill).score([look(level) for level in (30, 130, 230)])

    for level, (count, dark, bright) in zip((30, 130, 230), scores, strict=True):
        assert math.exp(bright.log_probabilities[0]) == pytest.approx(0.97 * min(0.98, level / 255), abs=0.01)
        assert dark.log_probabilities[0] == pytest.approx(bright.log_probabilities[1], abs=0.01)
        assert [count.mass, dark.mass] == pytest.approx([0.97, 0.97], abs=1e-3)


def test_people_are_counted_up_to_nine_and_more() -> None:
    with OpenAiServer() as server:
        scorer = RemoteScorer(RemoteSettings(url=server.url, model=server.model))
        looks = [Look(grey(60, spots), QuestionSheet((COUNT_PEOPLE,))) for spots in (0, 3, 9, 12)]
        found = [int(np.argmax(scores.log_probabilities)) for (scores,) in scorer.score(looks)]
        scorer.close()

    assert found == [0, 3, 9, 10]


def test_server_that_ignores_the_begun_answer_is_told_by_little_mass(scorer_of: Scorers) -> None:
    with OpenAiServer(continues=False) as server:
        ((count, dark, _),) = scorer_of(server, prefill=True).score([look(30)])

    assert max(count.mass, dark.mass) < 0.05


def test_words_spelt_with_a_space_are_understood(scorer_of: Scorers) -> None:
    with OpenAiServer(spelt=" {}") as server:
        assert share(scorer_of(server), 200) == pytest.approx(0.97 * 200 / 255, abs=0.01)


def test_each_picture_is_computed_once_however_many_questions_and_looks_there_are(scorer_of: Scorers) -> None:
    with OpenAiServer(latency_s=lambda _at_once, is_cached: 0.005 if is_cached else 0.03) as server:
        scorer_of(server, max_concurrent=16).score([look(level) for level in range(20, 100, 10)])

    assert (server.pictures_computed, len(server.prompts)) == (8, 24)
    assert 1 < server.peak <= 16


def test_large_picture_is_scaled_down_and_a_small_one_is_not(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        scorer = scorer_of(server, max_side_px=320)
        scorer.score([Look(np.zeros((720, 1280, 3), np.uint8), QuestionSheet((BRIGHT,)))])
        scorer.score([Look(np.zeros((90, 160, 3), np.uint8), QuestionSheet((BRIGHT,)))])

    assert server.sizes_px == [(320, 180), (160, 90)]


@pytest.mark.parametrize(
    ("mode", "error", "says"),
    [
        (Mode.BUSY, RetryableError, r"remote\.url: the server has no room \(429\)"),
        (Mode.LOADING, RetryableError, r"remote\.url: the server has no room \(503\)"),
        (Mode.BROKEN, RetryableError, r"remote\.url: the server failed \(500\): the server is broken"),
        (Mode.GARBAGE, RetryableError, r"remote\.url: the answer is no chat completion"),
        (Mode.CUTS_OFF, RetryableError, r"remote\.url: .* cannot be reached"),
        (Mode.NO_LOGPROBS, ModelError, r"remote\.url: the server answers without top_logprobs; use a server that"),
        (Mode.REFUSES_LOGPROBS, ModelError, r"refuses the request \(422\): Unsupported.*; use a server that gives"),
        (Mode.MOVED, ModelError, r"remote\.url: the server is elsewhere \(308\); write .*https://elsewhere\.example"),
        (Mode.TOO_LARGE, ModelError, r"remote\.max_side_px: the server finds a picture too large"),
    ],
)
def test_failure_names_the_setting_and_the_remedy(
    scorer_of: Scorers, mode: Mode, error: type[Exception], says: str
) -> None:
    with OpenAiServer() as server:
        server.mode = mode

        with pytest.raises(error, match=says):
            scorer_of(server).score([look(30)])


def test_server_that_is_not_there_is_told_by_its_address(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        scorer = scorer_of(server, url=f"http://127.0.0.1:{free_port()}")

        with pytest.raises(RetryableError, match=r"remote\.url: http://127\.0\.0\.1:\d+/v1 cannot be reached"):
            scorer.score([look(30)])
        with pytest.raises(RetryableError, match=r"start the server there or correct the address"):
            scorer.check()


def test_unknown_model_is_answered_by_those_that_there_are(scorer_of: Scorers) -> None:
    with OpenAiServer("qwen3-vl-8b") as server:
        scorer = scorer_of(server, model="qwen3-vl-9b")

        with pytest.raises(
            ModelError, match=r"remote\.model: the server knows no 'qwen3-vl-9b'; it serves qwen3-vl-8b"
        ):
            scorer.score([look(30)])
        with capture_logs() as logs:
            scorer.check()

    assert logs[0]["event"] == "remote_model_not_listed"


def test_address_of_something_else_is_told(scorer_of: Scorers) -> None:
    with OpenAiServer() as server, pytest.raises(ModelError, match=r"remote\.url: there is no OpenAI interface at"):
        scorer_of(server, url=f"{server.url}/elsewhere/v1").score([look(30)])


def test_key_is_shown_and_never_told(scorer_of: Scorers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("wrong-key\n")
    monkeypatch.setenv("MODEL_KEY", "right-key")
    with OpenAiServer(key="right-key") as server, capture_logs() as logs:
        scorer = scorer_of(server, api_key=f"file:{file}")
        with pytest.raises(ModelError, match=r"remote\.api_key: the server does not accept it \(401\)") as raised:
            scorer.score([look(30)])

        assert share(scorer_of(server, api_key="env:MODEL_KEY"), 30) > 0
    assert "wrong-key" not in f"{raised.value} {logs}"


def test_key_that_cannot_be_read_is_an_error_at_the_start() -> None:
    told = RemoteSettings(url="http://h", model="m", api_key="env:NOT_SET_HERE")

    with pytest.raises(ConfigError, match=r"remote\.api_key: env:NOT_SET_HERE cannot be read"):
        RemoteScorer(told)


def test_certificate_is_verified_against_the_given_authority(scorer_of: Scorers, tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path, "localhost")
    with OpenAiServer() as server, TlsFront(server.port, certificate) as front:
        url = f"https://localhost:{front.port}"

        assert share(scorer_of(server, url=url, ca_file=certificate.path), 100) > 0
        with pytest.raises(ModelError, match=r"remote\.ca_file: the server's certificate is not trusted"):
            scorer_of(server, url=url).score([look(30)])
    with pytest.raises(ConfigError, match=r"remote\.ca_file: .*key\.pem holds no certificates"):
        RemoteScorer(RemoteSettings(url=url, model="m", ca_file=certificate.key_path))


def test_request_that_is_told_to_come_again_soon_does_so_within_its_time(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        server.refusals_left, server.retry_after = 3, "0"

        scores = scorer_of(server).score([look(30), look(60)])

    assert len(scores) == 2


def test_server_that_hangs_costs_the_given_time_and_then_none(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        scorer = scorer_of(server, timeout_s=0.1)
        server.mode = Mode.HANGS
        for _ in range(3):
            with pytest.raises(RetryableError, match=r"remote\.timeout_s: .*within 0\.1 s"):
                scorer.score([look(30)])

        begun_s = time.monotonic()
        with pytest.raises(RetryableError):
            scorer.score([look(30)])

    assert time.monotonic() - begun_s < 0.05


def test_server_that_comes_back_is_noticed_by_one_request_and_asked_again(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        scorer = scorer_of(server)
        server.mode = Mode.BROKEN
        for _ in range(3):
            with pytest.raises(RetryableError):
                scorer.score([look(30), look(60)])
        server.mode, asked_before = Mode.WELL, len(server.paths)

        def answered() -> bool:
            try:
                return len(scorer.score([look(30), look(60)])) == 2
            except RetryableError:
                return False

        with capture_logs() as logs:
            wait_for(answered, within_s=5)

    assert [entry["event"] for entry in logs] == ["remote_server_is_back"]
    assert len(server.paths) - asked_before == 1 + 6


def test_picture_that_the_server_refuses_leaves_no_evidence_and_the_others_their_answers(scorer_of: Scorers) -> None:
    with OpenAiServer(refuses=lambda brightness: brightness > 200) as server:
        dark, bright = scorer_of(server).score([look(30), look(230)])

    assert min(scores.mass for scores in dark) > 0.9
    assert max(scores.mass for scores in bright) < 1e-9


def test_identity_changes_with_what_is_asked_and_where(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        one, other = scorer_of(server).identity, scorer_of(server, prefill=False).identity

    assert (one.model, one.precision) == ("tiny-vl", "as_served")
    assert one.digest != other.digest


def test_nothing_to_look_at_asks_nobody(scorer_of: Scorers) -> None:
    with OpenAiServer() as server:
        assert scorer_of(server).score([]) == []

    assert server.paths == []
