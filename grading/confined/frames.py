"""What the grader and the process that runs a submission say to each other: frames of plain numbers, never objects.

A frame is

    magic (4 bytes) | kind (1) | nonce (16) | length of the header (4) | length of the payload (8) | header | payload

with little-endian lengths, a small JSON object as header, and raw little-endian numbers as payload. Values are
described by a tree in the header, and their numbers lie one after the other in the payload:

    null, true, 7               None, a bool, an int of at most 64 bits
    ["f"]                       a float, 8 bytes
    ["a", "f8", [3, 4]]         an array: dtype and shape
    ["l", [...]], ["t", [...]]  a list, a tuple
    ["lf", n], ["tf", n]        a list, a tuple of n floats, 8 bytes each: histories of costs are long
    ["o", "generator"]          an object of which only the type's name crosses

Whoever reads a frame believes nothing in it. Lengths are looked at before anything of that length is allocated, the
tree is checked node by node, the sizes it claims must add up to the payload, and every defect is a `FrameError`.
Neither pickle nor `np.load` is used anywhere: the one runs code, the other allocates whatever a header asks for.
"""

from __future__ import annotations

import enum
import json
import math
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

MAGIC = b"BPG1"
PREFIX = struct.Struct("<4sB16sIQ")
NONCE_BYTES = 16
MAX_HEADER = 64 << 10
MAX_PAYLOAD = 64 << 20
MAX_DIMENSIONS = 8
MAX_DEPTH = 16
"""Of lists within lists: gradients need two or three."""
DTYPES: dict[str, np.dtype[Any]] = {
    "f8": np.dtype("<f8"),
    "f4": np.dtype("<f4"),
    "i8": np.dtype("<i8"),
    "i4": np.dtype("<i4"),
    "b1": np.dtype("?"),
}
FLOAT: np.dtype[Any] = DTYPES["f8"]

Tree: TypeAlias = Any
"""A value's description, as JSON has it."""


class FrameError(ValueError):
    """The bytes are no frame that was to be expected here."""


class CannotCrossError(ValueError):
    """A value of a kind that frames do not carry; the message names the kind."""


class Kind(enum.IntEnum):
    """What a frame says. The first three go to the submission's process, the others come back."""

    LOAD = 1
    FUNCTION = 2
    CALL = 3
    CONFINED = 4
    LOADED = 5
    ANSWER = 6
    DONE = 7


@dataclass(frozen=True)
class Other:
    """Stands for an object that is no array, number, list, tuple or None.

    Attributes:
        type_name: such as "generator" or "dict".
    """

    type_name: str


Value: TypeAlias = np.ndarray | float | int | bool | list["Value"] | tuple["Value", ...] | Other | None
"""What crosses. NumPy's scalars become arrays of shape ()."""


@dataclass(frozen=True)
class Frame:
    """One message.

    Attributes:
        kind: what it says.
        nonce: names the request that it belongs to.
        header: the JSON object; "values" in it describes the payload.
        payload: the numbers.
    """

    kind: Kind
    nonce: bytes
    header: dict[str, Any]
    payload: bytes

    def values(self) -> list[Value]:
        """The values that the frame carries, as new arrays at each call.

        Raises:
            FrameError: where a bool is neither 0 nor 1, or a shape is one that NumPy cannot have.
        """
        return unpack(self.header.get("values", []), self.payload)


# --- values -----------------------------------------------------------------------------------------------------


def pack(value: object) -> tuple[Tree, list[bytes]]:
    """Describe a value, and lay out its numbers.

    Returns:
        `(tree, chunks)`: the description and the payload's pieces.

    Raises:
        CannotCrossError: for strings, complex numbers, arrays of other dtypes, and what is too large or too deep.

    Example:
        >>> pack((1.5, [2, None]))
        (['t', [['f'], ['l', [2, None]]]], [b'\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?'])
    """
    chunks: list[bytes] = []
    return _pack(value, chunks, 0), chunks


def _pack(value: object, chunks: list[bytes], depth: int) -> Tree:
    if depth > MAX_DEPTH:
        raise CannotCrossError(f"lists nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1:
        value = list(value)  # arrays of several shapes that NumPy keeps in one
    if isinstance(value, np.longdouble):
        value = np.float64(value)
    if isinstance(value, np.ndarray | np.generic):  # before float: np.float64 is one
        return _pack_array(np.asarray(value), chunks)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise CannotCrossError("an int of more than 64 bits")
        return int(value)
    if isinstance(value, float):
        chunks.append(struct.pack("<d", value))
        return ["f"]
    if isinstance(value, list | tuple):
        letter = "l" if isinstance(value, list) else "t"
        if len(value) > 4 and all(type(item) is float for item in value):
            chunks.append(np.array(value, FLOAT).tobytes())
            return [letter + "f", len(value)]
        return [letter, [_pack(item, chunks, depth + 1) for item in value]]
    if isinstance(value, str | bytes | complex):
        raise CannotCrossError(f"a {type(value).__name__}")
    if isinstance(value, Other):
        return ["o", value.type_name]
    return ["o", type(value).__name__[:100]]


def _pack_array(array: np.ndarray, chunks: list[bytes]) -> Tree:
    name = f"{array.dtype.kind}{array.dtype.itemsize}"
    if name not in DTYPES:
        raise CannotCrossError(
            f"an array of dtype {array.dtype.name}; float64, float32, int64, int32 or bool can be read"
        )
    if array.ndim > MAX_DIMENSIONS:
        raise CannotCrossError(f"an array of {array.ndim} dimensions; at most {MAX_DIMENSIONS} can be read")
    if array.size * array.dtype.itemsize > MAX_PAYLOAD:  # `nbytes` would be 0 for some broadcast views
        raise CannotCrossError(f"an array of {array.size:,} entries; at most {MAX_PAYLOAD >> 20} MiB can be read")
    chunks.append(array.astype(DTYPES[name], order="C").tobytes())
    return ["a", name, list(array.shape)]


def size_of(tree: Tree, depth: int = 0) -> int:
    """How many bytes of payload a description claims, checking all of it.

    Raises:
        FrameError: where it describes no value.
    """
    if tree is None or type(tree) is bool:
        return 0
    if type(tree) is int:
        if not -(2**63) <= tree < 2**63:
            raise FrameError("an int of more than 64 bits")
        return 0
    match tree:
        case ["f"]:
            return FLOAT.itemsize
        case [("lf" | "tf"), count] if type(count) is int and 0 <= count <= MAX_PAYLOAD:
            return FLOAT.itemsize * count
        case [("l" | "t"), [*items]] if depth < MAX_DEPTH:
            return sum(size_of(item, depth + 1) for item in items)
        case ["a", str(name), [*shape]] if name in DTYPES and len(shape) <= MAX_DIMENSIONS:
            if not all(type(length) is int and 0 <= length <= MAX_PAYLOAD for length in shape):
                raise FrameError("an array's shape is no shape")
            entries: int = math.prod(shape)
            return DTYPES[name].itemsize * entries
        case ["o", str(name)] if len(name) <= 100:
            return 0
    raise FrameError("a description that describes no value")


def unpack(trees: Sequence[Tree], payload: bytes) -> list[Value]:
    """The values described by `trees`, from their numbers.

    Raises:
        FrameError: where they do not fit, or are no values.
    """
    if sum(size_of(tree) for tree in trees) != len(payload):
        raise FrameError("the values' sizes do not add up to the payload")
    numbers = _Numbers(payload)
    return [_unpack(tree, numbers) for tree in trees]


@dataclass
class _Numbers:
    payload: bytes
    at: int = 0

    def take(self, dtype: np.dtype[Any], count: int) -> np.ndarray:
        array = np.frombuffer(self.payload, dtype, count, self.at) if count else np.empty(0, dtype)
        self.at += array.nbytes
        return array


def _unpack(tree: Tree, numbers: _Numbers) -> Value:
    if tree is None or isinstance(tree, bool | int):
        return tree
    match tree:
        case ["f"]:
            return float(numbers.take(FLOAT, 1)[0])
        case ["a", name, shape]:
            return _array(numbers.take(DTYPES[name], math.prod(shape)), shape)
        case ["o", name]:
            return Other("".join(letter for letter in name if letter.isprintable()))
        case ["l", items]:
            return [_unpack(item, numbers) for item in items]
        case ["t", items]:
            return tuple(_unpack(item, numbers) for item in items)
    floats: list[Value] = numbers.take(FLOAT, tree[1]).tolist()
    return floats if tree[0] == "lf" else tuple(floats)


def _array(flat: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    if flat.dtype == np.bool_ and np.any(flat.view(np.uint8) > 1):
        raise FrameError("a bool that is neither 0 nor 1")
    try:
        return flat.reshape(shape).copy()
    except ValueError as error:  # no entries, but lengths whose product overflows
        raise FrameError("an array's shape is no shape") from error


# --- frames -----------------------------------------------------------------------------------------------------


def encode(kind: Kind, nonce: bytes, header: Mapping[str, object], payload: bytes = b"") -> bytes:
    """A frame as bytes.

    Raises:
        CannotCrossError: where the header or the payload is larger than frames may be.
    """
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(text) > MAX_HEADER:
        raise CannotCrossError("more separate items than can be read")
    if len(payload) > MAX_PAYLOAD:
        raise CannotCrossError(f"more than {MAX_PAYLOAD >> 20} MiB of numbers")
    return PREFIX.pack(MAGIC, kind, nonce, len(text), len(payload)) + text + payload


def encode_values(kind: Kind, nonce: bytes, header: Mapping[str, object], values: Sequence[object]) -> bytes:
    """A frame that carries values beside its header.

    Raises:
        CannotCrossError: where one of them cannot, or they are too many.
    """
    packed = [pack(value) for value in values]
    payload = b"".join(chunk for _, chunks in packed for chunk in chunks)
    return encode(kind, nonce, {**header, "values": [tree for tree, _ in packed]}, payload)


def decode(data: bytes, accept: Collection[Kind] = tuple(Kind), nonce: bytes | None = None) -> Frame:
    """The one frame that `data` is.

    Raises:
        FrameError: where it is none, less than one or more than one.
    """
    decoder = Decoder(accept, nonce)
    decoder.feed(data)
    frame = decoder.next()
    if frame is None or decoder.pending:
        raise FrameError("not exactly one frame")
    return frame


@dataclass
class Decoder:
    """Takes bytes as they come, gives frames.

    Attributes:
        accept: kinds that may come; another is an error as soon as its first bytes are here.
        nonce: the request's; None takes any.
    """

    accept: Collection[Kind]
    nonce: bytes | None = None
    _data: bytearray = field(default_factory=bytearray)
    _header: dict[str, Any] | None = None

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._data += data

    @property
    def pending(self) -> int:
        """Bytes that no frame has used yet."""
        return len(self._data)

    def __iter__(self) -> Iterator[Frame]:
        """All frames that are complete."""
        while (frame := self.next()) is not None:
            yield frame

    def next(self) -> Frame | None:
        """The next frame, or None where it has not all arrived.

        Raises:
            FrameError: as early as a defect can be seen.
        """
        if len(self._data) < PREFIX.size:
            return None
        magic, number, nonce, header_length, payload_length = PREFIX.unpack_from(self._data)
        kind = self._check(magic, number, nonce, header_length, payload_length)
        header_end = PREFIX.size + header_length
        if self._header is None and len(self._data) >= header_end:
            self._header = _header(bytes(self._data[PREFIX.size : header_end]))
            if kind is not Kind.LOAD and _claimed(self._header) != payload_length:
                raise FrameError("the values' sizes do not add up to the payload")
        end = header_end + payload_length
        if self._header is None or len(self._data) < end:
            return None
        frame = Frame(kind, nonce, self._header, bytes(self._data[header_end:end]))
        del self._data[:end]
        self._header = None
        return frame

    def _check(self, magic: bytes, number: int, nonce: bytes, header_length: int, payload_length: int) -> Kind:
        if magic != MAGIC:
            raise FrameError("no frame begins here")
        if number not in self.accept:
            raise FrameError("a frame of a kind that was not expected")
        if self.nonce is not None and nonce != self.nonce:
            raise FrameError("a frame that belongs to no request of ours")
        if header_length > MAX_HEADER or payload_length > MAX_PAYLOAD:
            raise FrameError("a frame that claims to be larger than frames may be")
        return Kind(number)


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also UnicodeDecodeError, and ints of too many digits
        raise FrameError("a header that is no JSON") from error
    if type(header) is not dict:
        raise FrameError("a header that is no object")
    return header


def _claimed(header: dict[str, Any]) -> int:
    trees = header.get("values", [])
    if type(trees) is not list:
        raise FrameError("values that are no list")
    return sum(size_of(tree) for tree in trees)
