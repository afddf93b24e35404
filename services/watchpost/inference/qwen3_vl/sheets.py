"""A sheet of questions as the model's own tokens, checked so that every answer is one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from watchpost.errors import ModelError
from watchpost.inference.questions import AnswerKind, QuestionSheet

__all__ = ["SheetTokens", "Tokenize", "check_answers", "parts_of", "tokens_of"]

Tokenize = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class SheetTokens:
    """Token ids. All suffixes are of one length; `labels` has a row a question."""

    prefix: tuple[int, ...]
    tail: tuple[int, ...]
    suffixes: tuple[tuple[int, ...], ...]
    labels: tuple[tuple[int, ...], ...]


def tokens_of(sheet: QuestionSheet, tokenize: Tokenize) -> SheetTokens:
    """The sheet's tokens.

    Raises ModelError where the tokenizer does not give each answer one token of its own: their scores could not be
    compared.
    """
    suffixes = tuple(tuple(tokenize(suffix)) for suffix in sheet.suffixes)
    if len({len(suffix) for suffix in suffixes}) != 1:
        raise ModelError(f"the tokenizer splits {sheet.suffixes[0]!r} and its like unevenly; use Qwen3-VL's own")
    labels = tuple(_labels(question.kind.words, tokenize) for question in sheet.questions)
    return SheetTokens(tuple(tokenize(sheet.prefix)), tuple(tokenize(sheet.tail)), suffixes, labels)


def check_answers(tokenize: Tokenize) -> None:
    """Raise ModelError, naming the word, where this tokenizer does not give every answer one token of its own.

    For a model that is loaded: a question that comes later must not be the first to find that out.
    """
    for kind in AnswerKind:
        _labels(kind.words, tokenize)


def parts_of(sheet: QuestionSheet, tokenize: Tokenize, most_tokens: int) -> tuple[QuestionSheet, ...]:
    """The sheet, or as few as hold its questions in their order with at most so many tokens beside a picture.

    Each part is a pass of its own over the picture. A question that is too long by itself stands alone.
    """
    parts, first = [], 0
    for end in range(2, len(sheet.questions) + 1):
        if _longest(replace(sheet, questions=sheet.questions[first:end]), tokenize) > most_tokens:
            parts.append(replace(sheet, questions=sheet.questions[first : end - 1]))
            first = end - 1
    return (*parts, replace(sheet, questions=sheet.questions[first:]))


def _longest(sheet: QuestionSheet, tokenize: Tokenize) -> int:
    return max(len(tokenize(sheet.prefix)), len(tokenize(sheet.tail)))


def _labels(words: Sequence[str], tokenize: Tokenize) -> tuple[int, ...]:
    word_of: dict[int, str] = {}
    for word in words:
        tokens = tokenize(word)
        if len(tokens) != 1:
            raise ModelError(
                f"the answer {word!r} is {len(tokens)} tokens of this model's tokenizer, not one; use Qwen3-VL's own"
            )
        other = word_of.setdefault(tokens[0], word)
        if other != word:
            raise ModelError(
                f"the answers {other!r} and {word!r} are the same token of this model's tokenizer; use Qwen3-VL's own"
            )
    return tuple(word_of)
