"""A sheet of questions as the model's own tokens, checked so that every answer is one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchpost.errors import ModelError
from watchpost.inference.questions import QuestionSheet

__all__ = ["SheetTokens", "Tokenize", "tokens_of"]

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


def _labels(words: Sequence[str], tokenize: Tokenize) -> tuple[int, ...]:
    ids = []
    for word in words:
        tokens = tokenize(word)
        if len(tokens) != 1:
            raise ModelError(
                f"the answer {word!r} is {len(tokens)} tokens of this model's tokenizer, not one; use Qwen3-VL's own"
            )
        ids.append(tokens[0])
    if len(set(ids)) != len(ids):
        raise ModelError(f"two of the answers {', '.join(words)} are one token of this model's tokenizer")
    return tuple(ids)
