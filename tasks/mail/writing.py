"""Puts what others have written on one line."""


def one_line(text: str) -> str:
    """Put a text on one line: whatever is no letter, sign or space becomes a space."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
