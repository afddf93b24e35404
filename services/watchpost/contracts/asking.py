"""How much may be asked of one picture: what settings, api and inference must agree on."""

__all__ = ["MOST_QUESTIONS"]

# a letter of the prompt for each; every task of a camera, built in or in words, is one question at most
MOST_QUESTIONS = 16
