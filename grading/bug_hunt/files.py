"""Files that are written as a whole: all of them, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from grading.bug_hunt.bugs import HuntError


def write_all(files: Mapping[Path, bytes], folder: Path | None, force: bool) -> None:
    """Write files beside their places first, and move them there when all are complete.

    Args:
        files: what to write.
        folder: made where it is missing; other folders must be there.
        force: replace files that are there.

    Raises:
        HuntError: where something is in the way, or cannot be written. Nothing is changed then.
    """
    try:
        _check(files, folder, force)
    except OSError as error:  # such as a name that is too long
        raise _cannot(error, files) from None
    parts = {path: path.with_name(f".{path.name}.part") for path in files}
    made = folder is not None and not folder.exists()
    try:
        if made and folder is not None:
            folder.mkdir()
        for path, data in files.items():
            parts[path].write_bytes(data)
        for path, part in parts.items():
            part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            for part in parts.values():
                part.unlink(missing_ok=True)
            if made and folder is not None:
                folder.rmdir()
        if isinstance(error, OSError):
            raise _cannot(error, files) from None
        raise


def _cannot(error: OSError, files: Mapping[Path, bytes]) -> HuntError:
    return HuntError(f"{error.filename or next(iter(files))} cannot be written: {error.strerror or error}.")


def _check(files: Mapping[Path, bytes], folder: Path | None, force: bool) -> None:
    if folder is not None and folder.exists() and not folder.is_dir():
        raise HuntError(f"{folder} is no folder; expected one for the students' files, or a new name.")
    for path in files:
        if path.is_dir():
            raise HuntError(f"{path} is a folder; expected the name of a file.")
        if path.exists() and not path.is_file():
            raise HuntError(f"{path} is no ordinary file; expected another name.")
    for parent in dict.fromkeys(folder.parent if folder and p.parent == folder else p.parent for p in files):
        if not parent.is_dir():
            raise HuntError(f"{parent} is not there; make that folder first, or name another.")
    there = [path for path in files if path.exists() or path.is_symlink()]
    if there and not force:
        found = f"{there[0]} exists" if len(there) == 1 else f"{there[0]} and {len(there) - 1} more exist"
        raise HuntError(f"{found} already; name another, or say --force to replace it.")
