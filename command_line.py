"""What all command lines of this project have in common: how they end, and how they write."""

import io
import os
import sys
from collections.abc import Callable

from rich.console import Console

READER_GONE = 141
"""The exit status that a shell tells of a program whose reader, such as `head`, went away."""


def exit_status(
    program: str,
    work: Callable[[], int],
    *,
    refused: tuple[type[Exception], ...] = (),
    failed: tuple[type[Exception], ...] = (),
    interrupted: str = "interrupted.",
) -> int:
    """Carry out a program's work, and turn what ends it early into one line on the error stream and an exit status.

    Args:
        program: its name, before each line.
        work: returns the exit status, where nothing ends it early.
        refused: what says of usage or input that it cannot be used; status 2.
        failed: what says that a check failed; status 1.
        interrupted: what to say after Ctrl-C; status 130.

    Returns:
        The exit status; also 2 where a file cannot be read or written, and 141 where the reader went away.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a text may hold what the terminal's encoding does not
    try:
        return work()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        forget_output()
        return READER_GONE
    except failed as error:
        complain(program, str(error))
        return 1
    except refused as error:
        complain(program, str(error))
        return 2
    except OSError as error:
        where = error.filename or "the standard output or another file"
        complain(program, f"{where} cannot be read or written: {error.strerror or error}")
        return 2
    except KeyboardInterrupt:
        complain(program, interrupted)
        return 130


def complain(program: str, message: str) -> None:
    """Say in a line what is wrong."""
    try:
        print(f"{program}: {message}", file=sys.stderr)
    except OSError:  # nobody is left to be told
        forget_output()


def write(text: str) -> None:
    """Write a whole text to the standard output.

    Raises:
        OSError: where it cannot be written. Python's own attempt at its end will then write nothing.
    """
    if sys.stdout is None:  # closed before the program began
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        forget_output()
        raise


def forget_output() -> None:
    """Let what has not been written yet go nowhere, so that Python does not try again at its end."""
    if sys.stdout is None:
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Page(io.StringIO):
    encoding = "utf-8"  # rich asks whether lines and corners can be shown


def rendered(show: Callable[[Console], None]) -> str:
    """What `show` prints, as the terminal at hand would have it; no blanks at lines' ends, and written nowhere yet."""
    terminal, page = Console(), _Page()
    page.encoding = terminal.encoding
    show(Console(file=page, force_terminal=terminal.is_terminal, width=terminal.width, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())
