"""Text that comes from submissions, made fit to be shown: bounded, without control characters."""

from __future__ import annotations

import re

KEPT_BYTES = 64 << 10
"""Of what a submission prints, so much of the end is kept."""
ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e]")


def printable(text: str, limit: int) -> str:
    """Drop what a terminal would act upon, also marks that reverse the direction of writing; keep the first part.

    Example:
        >>> printable("loss \\x1b[31m0.5\\x1b[0m\\x07 \\u202e!", limit=12)
        'loss 0.5 !'
        >>> printable("a" * 10, limit=4)
        'aaa…'
    """
    text = ESCAPE_SEQUENCE.sub("", text[: 2 * limit + 100])
    text = UNPRINTABLE.sub(lambda found: found[0] if found[0].isprintable() else "", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def sentence(text: str, limit: int) -> str:
    """`printable` on one line."""
    return " ".join(printable(text, limit).split())


class Log:
    """What a submission printed: the end of it, and how much it was.

    Attributes:
        total: bytes, also those that are not kept.
    """

    def __init__(self) -> None:
        self.total = 0
        self._end = bytearray()

    def add(self, data: bytes) -> None:
        """Add what arrived."""
        self.total += len(data)
        self._end += data
        if len(self._end) > 2 * KEPT_BYTES:
            del self._end[:-KEPT_BYTES]

    def text(self) -> str:
        """The end of it."""
        text = self._end[-KEPT_BYTES:].decode("utf-8", "replace").replace("\r\n", "\n")
        return printable(text, KEPT_BYTES)

    def contains(self, text: bytes) -> bool:
        """Whether it was printed lately."""
        return text in self._end
