"""A model server on loopback that speaks OpenAI's interface over real HTTP, and really looks at the pictures."""

import base64
import hashlib
import json
import math
import re
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

import cv2
import numpy as np

__all__ = ["PICTURE", "Mode", "OpenAiServer", "rendered"]

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
_SURE = 0.97
_LIFE_S = 60.0
_ASKED_ALONE = re.compile(r"question ([A-Z]) alone")


class Mode(StrEnum):
    """How it behaves, from one request to the next."""

    WELL = "well"
    BUSY = "busy"  # 429
    LOADING = "loading"  # 503
    BROKEN = "broken"  # 500
    HANGS = "hangs"
    GARBAGE = "garbage"
    CUTS_OFF = "cuts_off"
    NO_LOGPROBS = "no_logprobs"
    REFUSES_LOGPROBS = "refuses_logprobs"
    MOVED = "moved"
    TOO_LARGE = "too_large"


class _Refused(Exception):  # noqa: N818  (an answer of HTTP, nobody's error)
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class OpenAiServer:
    """Says yes to a question as much as the picture is bright, no where the question says "dark"; counts white spots.

    Args:
        model: the model that it serves.
        key: what callers must show.
        latency_s: what a request takes, from how many are worked on at once and whether its picture is in the cache.
        continues: whether it goes on with a begun answer; otherwise it says the first letter again, as models do.
        spelt: how it writes a token, such as `" {}"` for models whose words begin with a space.
        refuses: pictures at which it takes offence, by their mean brightness.

    Example:
        with OpenAiServer() as server:
            RemoteScorer(RemoteSettings(url=server.url, model=server.model)).score(looks)
            server.mode = Mode.HANGS
        assert server.prompts[0].endswith("A=")

    """

    def __init__(
        self,
        model: str = "tiny-vl",
        *,
        key: str | None = None,
        latency_s: Callable[[int, bool], float] | None = None,
        continues: bool = True,
        spelt: str = "{}",
        refuses: Callable[[float], bool] = lambda _brightness: False,
    ) -> None:
        self.model, self.key, self.continues, self.spelt, self.refuses = model, key, continues, spelt, refuses
        self.mode = Mode.WELL
        self.retry_after: str | None = None
        self.refusals_left = 0
        self.sizes_px: list[tuple[int, int]] = []
        self.prompts: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.pictures_computed = 0
        self.peak = 0
        self._latency_s = latency_s or (lambda _at_once, _is_cached: 0.0)
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._at_once = 0
        self._cached: set[str] = set()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Up to /v1, as OpenAI's clients want it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def hang(self) -> None:
        """Until the server ends."""
        self._ended.wait(_LIFE_S)

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a POST to chat/completions, after as long as it takes."""
        self._check(body)
        prompt, picture = rendered(body, continues=self.continues), _picture(body)
        if self.refuses(float(picture.mean())):
            raise _Refused(400, "the picture cannot be processed")
        tokens = self._next_tokens(prompt, picture)
        # the cache holds what came before the answer: the same picture after the same questions
        before = prompt.partition(PICTURE)[0] + hashlib.sha256(picture.tobytes()).hexdigest()
        with self._lock:
            self.prompts.append(prompt)
            self.sizes_px.append((picture.shape[1], picture.shape[0]))
            self.bodies.append(body)
            self._at_once += 1
            self.peak = max(self.peak, self._at_once)
            at_once, is_cached = self._at_once, before in self._cached
            self.pictures_computed += not is_cached
        try:
            self._ended.wait(self._latency_s(at_once, is_cached))
        finally:
            with self._lock:
                self._at_once -= 1
                self._cached.add(before)
        return self._completion(tokens, body["top_logprobs"])

    def _check(self, body: dict[str, Any]) -> None:
        if body["model"] != self.model:
            raise _Refused(404, f"The model `{body['model']}` does not exist.")
        if body["top_logprobs"] > 20:
            raise _Refused(400, "Requested sample logprobs is greater than max allowed: 20")
        if body.get("continue_final_message") and body.get("add_generation_prompt", True):
            raise _Refused(400, "Cannot set both continue_final_message and add_generation_prompt")
        if {"guided_choice", "structured_outputs", "response_format"} & body.keys():
            raise _Refused(400, "this test server allows no guided decoding")
        assert (body["logprobs"], body["max_tokens"], body["temperature"]) == (True, 1, 0)

    def _next_tokens(self, prompt: str, picture: np.ndarray[Any, Any]) -> Mapping[str, float]:
        """Each token's probability. Which question it is, it reads from the prompt."""
        begun = re.search(r"<\|im_start\|>assistant\n([A-Z])=$", prompt)
        alone = _ASKED_ALONE.search(prompt.rpartition(PICTURE)[2])
        asked = begun or alone
        if asked is None:
            return _among({"A": 1.0}, _SURE)
        (question,) = re.findall(rf"^{asked[1]}\. (.*)$", prompt, re.MULTILINE)
        if "a digit from" in question:
            spots = min(10, _spots(picture))
            return _among(
                {"M" if spots == 10 else str(spots): 0.9, "M" if spots == 9 else str(spots + 1)[0]: 0.1}, _SURE
            )
        bright = min(0.98, max(0.02, float(picture.mean()) / 255))
        yes = 1 - bright if "dark" in question else bright
        return _among({"Yes": yes, "No": 1 - yes}, _SURE)

    def _completion(self, tokens: Mapping[str, float], top: int) -> dict[str, Any]:
        said = [
            {"token": self.spelt.format(token), "logprob": math.log(share), "bytes": list(token.encode())}
            for token, share in sorted(tokens.items(), key=lambda one: -one[1])[:top]
        ]
        logprobs = None if self.mode is Mode.NO_LOGPROBS else {"content": [{**said[0], "top_logprobs": said}]}
        message = {"role": "assistant", "content": said[0]["token"]}
        choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "length"}
        return {"id": "chatcmpl-1", "object": "chat.completion", "model": self.model, "choices": [choice]}


def rendered(body: dict[str, Any], *, continues: bool = True) -> str:
    """The messages as Qwen3-VL's chat template writes them: texts as they are."""
    text, messages = "", body["messages"]
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said = "".join(PICTURE if part["type"] == "image_url" else part["text"] for part in parts)
        text += f"<|im_start|>{message['role']}\n{said}<|im_end|>\n"
    if continues and body.get("continue_final_message"):
        return text.removesuffix("<|im_end|>\n")
    return f"{text}<|im_start|>assistant\n"


def _picture(body: dict[str, Any]) -> np.ndarray[Any, Any]:
    (url,) = [part["image_url"]["url"] for part in body["messages"][1]["content"] if part["type"] == "image_url"]
    kind, _, coded = url.partition(";base64,")
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(coded), np.uint8), cv2.IMREAD_COLOR)
    if kind != "data:image/jpeg" or picture is None:
        raise _Refused(400, "no JPEG came")
    return picture


def _spots(picture: np.ndarray[Any, Any]) -> int:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return cv2.connectedComponents((grey > 200).astype(np.uint8))[0] - 1


def _among(answers: Mapping[str, float], mass: float) -> dict[str, float]:
    """The answers share `mass`; the rest lies on a long tail of other tokens."""
    tail = [0.5**place for place in range(1, 60)]
    others = {f"t{place}": (1 - mass) * share / sum(tail) for place, share in enumerate(tail)}
    return {token: mass * share for token, share in answers.items()} | others


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms
    fake: ClassVar[OpenAiServer]

    def do_GET(self) -> None:
        self._answer(lambda: {"object": "list", "data": [{"id": self.fake.model, "object": "model"}]}, "/v1/models")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(lambda: self.fake.complete(body), "/v1/chat/completions")

    def _answer(self, work: Callable[[], dict[str, Any]], path: str) -> None:
        self.fake.paths.append(self.path)
        try:
            self._admit(path)
            self._misbehave()
            self._send(200, json.dumps(work()).encode())
        except _Refused as refused:
            self._send(refused.status, json.dumps({"error": {"message": refused.message}}).encode())
        except ConnectionError:
            self.close_connection = True

    def _admit(self, path: str) -> None:
        if self.path != path:
            raise _Refused(404, "Not Found")
        if self.fake.key is not None and self.headers.get("Authorization") != f"Bearer {self.fake.key}":
            raise _Refused(401, "Unauthorized")

    def _misbehave(self) -> None:
        with self.fake._lock:
            self.fake.refusals_left -= 1
            if self.fake.refusals_left >= 0:
                raise _Refused(429, "the server is busy")
        statuses = {Mode.BUSY: 429, Mode.LOADING: 503, Mode.BROKEN: 500, Mode.MOVED: 308, Mode.TOO_LARGE: 413}
        match self.fake.mode:
            case Mode.HANGS:
                self.fake.hang()
                raise ConnectionAbortedError
            case Mode.CUTS_OFF:
                raise ConnectionAbortedError
            case Mode.GARBAGE:
                self._send(200, b"<html>\xff no model here</html>")
                raise ConnectionAbortedError
            case Mode.REFUSES_LOGPROBS:
                raise _Refused(422, "Unsupported fields in the request: {'logprobs', 'top_logprobs'}")
            case mode if mode in statuses:
                raise _Refused(statuses[mode], f"the server is {mode}")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.fake.retry_after is not None:
            self.send_header("Retry-After", self.fake.retry_after)
        if status == 308:
            self.send_header("Location", "https://elsewhere.example/v1/chat/completions")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is http.server's)
        """Say nothing: a test's output is its own."""
