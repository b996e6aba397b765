"""Frames: what crosses comes back the same; what is malformed is a FrameError, and nothing else, whatever the bytes."""

import json
import random
import struct

import numpy as np
import pytest

from grading.confined.frames import (
    MAX_HEADER,
    PREFIX,
    CannotCrossError,
    Decoder,
    FrameError,
    Kind,
    Other,
    decode,
    encode,
    encode_values,
    pack,
    size_of,
)

NONCE = bytes(range(16))
VALUES = [
    np.arange(6.0).reshape(2, 3),
    np.float32([[1.5]]),
    np.arange(3),
    np.int32(7),
    np.array([True, False]),
    np.zeros((0, 5)),
    1.5,
    -3,
    True,
    None,
    [],
    (),
    [1.0] * 7,
    (0.25,) * 9,
    [np.ones(2), (1, [2.0, None])],
    Other("generator"),
]


def frame(values=VALUES, **header):
    return encode_values(Kind.ANSWER, NONCE, {"index": 0, **header}, values)


def raw(header, payload=b"", kind=Kind.ANSWER, magic=b"BPG1", header_length=None, payload_length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    lengths = (len(text) if header_length is None else header_length), payload_length
    return (
        PREFIX.pack(magic, kind, NONCE, lengths[0], len(payload) if lengths[1] is None else lengths[1]) + text + payload
    )


def same(a, b):
    if isinstance(a, np.ndarray | np.generic):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


def test_values_cross_unchanged():
    assert same(VALUES, decode(frame()).values())


def test_nan_infinity_and_minus_zero_keep_their_bits():
    values = [float("nan"), float("inf"), -0.0, np.array([np.nan, -np.inf, -0.0])]
    crossed = decode(frame(values)).values()
    assert [struct.pack("<d", value) for value in crossed[:3]] == [struct.pack("<d", value) for value in values[:3]]
    assert crossed[3].tobytes() == values[3].tobytes()


def test_order_strides_and_byte_order_do_not_matter():
    array = np.arange(12.0).reshape(3, 4)
    for view in (array.T, array[::-1, ::2], array.astype(">f8"), np.asfortranarray(array)):
        [crossed] = decode(frame([view])).values()
        np.testing.assert_array_equal(crossed, view)
        assert crossed.dtype == np.dtype("<f8")


def test_arrays_come_as_fresh_copies():
    message = decode(frame([np.zeros(3)]))
    message.values()[0][:] = 1
    assert message.values()[0].tolist() == [0, 0, 0]


def test_a_subclass_crosses_as_its_numbers():
    class Liar(np.ndarray):
        shape = (7,)

        def __array_function__(self, *_):
            return True

    [crossed] = decode(frame([np.ones(2).view(Liar)])).values()
    assert type(crossed) is np.ndarray
    assert crossed.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "a str"),
        (b"bytes", "a bytes"),
        (1j, "a complex"),
        (np.zeros(2, complex), "complex128"),
        (np.zeros(2, np.float16), "float16"),
        (np.zeros(2, np.uint8), "uint8"),
        (np.array([[None]]), "object"),
        (np.array(["a"]), "str"),
        (np.zeros((1,) * 9), "9 dimensions"),
        (np.broadcast_to(1.0, (10**9,)), "entries"),
        (2**63, "64 bits"),
        ([[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]], "nested"),
    ],
)
def test_what_cannot_cross_is_named(value, words):
    with pytest.raises(CannotCrossError, match=words):
        pack(value)


def test_too_many_items_cannot_cross():
    with pytest.raises(CannotCrossError, match="separate items"):
        frame([[None] * MAX_HEADER])


def test_an_object_crosses_as_its_type_s_name():
    assert decode(frame([{"dW": 1}, iter([])])).values() == [Other("dict"), Other("list_iterator")]
    assert decode(raw({"values": [["o", "a\x1b[31m\u202eb"]]})).values() == [Other("a[31mb")]


MALFORMED = {
    "magic": raw({}, magic=b"BPG2"),
    "kind": raw({}, kind=99),
    "long header": raw({}, header_length=MAX_HEADER + 1),
    "8 TiB": raw({}, payload_length=1 << 43),
    "no JSON": raw(b"{"),
    "no UTF-8": raw(b'{"a": "\xff"}'),
    "no object": raw([1, 2]),
    "deep JSON": raw(b"[" * 50_000),
    "long int": raw(b'{"values": [' + b"9" * 5_000 + b"]}"),
    "big int": raw({"values": [2**63]}),
    "payload without values": raw({}, bytes(8)),
    "values without payload": raw({"values": [["f"]]}),
    "values no list": raw({"values": {"a": 1}}),
    "text": raw({"values": ["text"]}),
    "float in JSON": raw({"values": [1.5]}),
    "unknown description": raw({"values": [["x", 1]]}),
    "empty description": raw({"values": [[]]}),
    "unknown dtype": raw({"values": [["a", "O8", [1]]]}, bytes(8)),
    "nine dimensions": raw({"values": [["a", "f8", [1] * 9]]}, bytes(8)),
    "negative": raw({"values": [["a", "f8", [-1, -1]]]}, bytes(8)),
    "bool as length": raw({"values": [["a", "f8", [True]]]}, bytes(8)),
    "float as length": raw({"values": [["a", "f8", [1.0]]]}, bytes(8)),
    "shape bomb": raw({"values": [["a", "f8", [1 << 20, 1 << 20]]]}),
    "deep lists": raw({"values": [[["l", []]]]}),
    "list count": raw({"values": [["lf", 1 << 60]]}),
    "negative count": raw({"values": [["lf", -1]]}),
    "long type name": raw({"values": [["o", "x" * 101]]}),
    "two frames": frame() * 2,
    "truncated": frame()[:-1],
    "nothing": b"",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_frames(name):
    with pytest.raises(FrameError):
        decode(MALFORMED[name])


def test_defects_that_only_values_show():
    with pytest.raises(FrameError, match="neither 0 nor 1"):
        decode(raw({"values": [["a", "b1", [1]]]}, b"\x07")).values()
    with pytest.raises(FrameError, match="no shape"):
        decode(raw({"values": [["a", "f8", [0] + [1 << 26] * 7]]})).values()


def test_a_lie_is_seen_before_the_payload_arrives():
    decoder = Decoder([Kind.ANSWER], NONCE)
    decoder.feed(raw({"values": [["a", "f8", [1000]]]}, payload_length=10))
    with pytest.raises(FrameError, match="add up"):
        decoder.next()


def test_an_unexpected_kind_and_an_old_nonce_are_errors():
    for decoder in (Decoder([Kind.DONE], NONCE), Decoder([Kind.ANSWER], bytes(16))):
        decoder.feed(frame())
        with pytest.raises(FrameError):
            decoder.next()


def test_frames_arrive_in_pieces():
    decoder, found = Decoder([Kind.ANSWER], NONCE), []
    data = frame() * 3
    for start in range(0, len(data), 7):
        decoder.feed(data[start : start + 7])
        found += list(decoder)
    assert len(found) == 3
    assert decoder.pending == 0
    assert same(VALUES, found[2].values())


def test_source_bytes_need_no_description():
    assert decode(encode(Kind.LOAD, NONCE, {"filename": "a.py"}, b"x = 1")).payload == b"x = 1"


def mutated(data, rng):
    """A few bytes changed, cut out, put in, or doubled."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 9)]
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 9))
            case 3:
                data[at:at] = data[at : at + rng.randint(1, 40)]
            case 4:
                data[at : at + 1] = rng.choice(
                    [b"9" * 20, b"[", b"]", b"-1", b"null", b'"f8"', b"1e9", b"true", b'["f"]']
                )
        data = data or bytearray(1)
    return bytes(data)


def test_fuzz_frames():
    rng, refused = random.Random(1), 0
    whole = frame()
    length = PREFIX.unpack_from(whole)[3]
    text, payload = whole[PREFIX.size :][:length], whole[PREFIX.size + length :]
    for turn in range(8_000):
        if turn % 2:  # the header only, with lengths that fit: so that the tree's checks are reached
            header = mutated(text, rng)
            data = raw(header, payload)
        else:
            data = mutated(whole, rng)
        try:
            message = decode(data)
            message.values()
        except FrameError:
            refused += 1
    assert 6_000 < refused < 8_000  # some changes change no more than a number


def test_fuzz_descriptions():
    rng = random.Random(2)
    leaves = [None, True, 0, -1, 2**63, 1.5, "f", "a", "l", "lf", "f8", "", [], {}, [1], 1 << 40]

    def tree(depth):
        if depth == 0 or rng.random() < 0.3:
            return rng.choice(leaves)
        return [rng.choice(["f", "a", "l", "t", "lf", "o", None])] + [tree(depth - 1) for _ in range(rng.randrange(3))]

    outcomes = set()
    for _ in range(5_000):
        try:
            outcomes.add(size_of(tree(4)) >= 0)
        except FrameError:
            outcomes.add("refused")
    assert outcomes == {True, "refused"}
