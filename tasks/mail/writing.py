"""Puts what others have written on one line, and takes out of it what is not to be kept."""

import re


def one_line(text: str) -> str:
    """Put a text on one line: whatever is no letter, sign or space becomes a space."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def without_address(text: str, address: str) -> str:
    """Take an address out of what a mail server says of it: that is logged, and logs name nobody."""
    return re.sub(re.escape(address), "<address>", text, flags=re.IGNORECASE) if address else text
