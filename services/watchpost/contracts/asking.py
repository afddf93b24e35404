"""How much may be asked of one picture: what settings, api and inference must agree on."""

__all__ = ["MOST_QUESTIONS", "MOST_QUESTION_BYTES"]

# a letter of the prompt for each; every task of a camera, built in or in words, is one question at most
MOST_QUESTIONS = 16
# Qwen3-VL keeps 512 tokens of instruction and questions: a question must fit by itself, and a token is a byte or more
MOST_QUESTION_BYTES = 400
