"""Says a question sheet in OpenAI's chat messages, so that the model answers one of its questions with one token.

A chat has no tree of suffixes, so each question is a request of its own; what they share stands first, for the server's
prefix cache: the system's text and all questions (the same for every picture), then the picture, then what differs.

`prefill`: the last message is an assistant's, begun with the sheet's suffix (`B=`), and the server goes on with it.
Through Qwen3-VL's chat template, which takes texts as they are, the prompt is that of the local scorer to the letter.
vLLM and SGLang want `continue_final_message`; llama.cpp's server goes on with a last message of the assistant anyway.
Without it a last line of the user names the one question. Its answers weigh less exactly: models like to begin with
the letter, or a sentence.
"""

from typing import Any

from watchpost.inference.questions import QuestionSheet

__all__ = ["ONLY", "TOP_LOGPROBS", "chat_request"]

# the most that OpenAI's interface knows, and vLLM's own limit unless --max-logprobs says otherwise
TOP_LOGPROBS = 20
ONLY = "Answer question {letter} alone now, with nothing but its answer, without the letter."
_SYSTEM, _USER, _PICTURE = "<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n", "<|vision_start|>"
_PICTURE_ENDS, _USER_ENDS = "<|vision_end|>", "<|im_end|>\n<|im_start|>assistant\n"


def chat_request(sheet: QuestionSheet, question: int, picture_url: str, model: str, *, prefill: bool) -> dict[str, Any]:
    """The body of a POST to `chat/completions` that asks question number `question` of the sheet.

    No guided decoding: it moves all probability onto the answers, and hides that the model would say something else.
    """
    system, asked_first = _split(sheet)
    asked_last = sheet.tail.removeprefix(_PICTURE_ENDS).removesuffix(_USER_ENDS)
    suffix = sheet.suffixes[question]
    last = asked_last if prefill else asked_last + ONLY.format(letter=suffix.removesuffix("="))
    content = [*_text(asked_first), {"type": "image_url", "image_url": {"url": picture_url}}, *_text(last)]
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}, {"role": "user", "content": content}]
    body = {"model": model, "messages": messages, "max_tokens": 1, "temperature": 0}
    body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    if prefill:
        messages.append({"role": "assistant", "content": suffix})
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def _split(sheet: QuestionSheet) -> tuple[str, str]:
    system, _, asked = sheet.prefix.removeprefix(_SYSTEM).removesuffix(_PICTURE).partition(_USER)
    return system, asked


def _text(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text else []
