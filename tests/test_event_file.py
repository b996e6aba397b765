"""Files of events: what is written is what TensorBoard's reader finds, and what cannot be written is an OSError."""

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from callbacks.event_file import NUM_BINS, EventFile, histograms, scalar, text


def test_what_is_written_is_read(tmp_path):
    events = EventFile(tmp_path / "run")
    events.write(3, [scalar("a", 0.5), scalar("b", -2.0), text("c", "| x |")])
    events.write(7, [scalar("a", 0.25)])
    events.close()
    read = EventAccumulator(str(tmp_path / "run")).Reload()
    assert [(point.step, point.value) for point in read.Scalars("a")] == [(3, 0.5), (7, 0.25)]
    assert [(point.step, point.value) for point in read.Scalars("b")] == [(3, -2.0)]
    assert read.Tensors("c")[0].tensor_proto.string_val == [b"| x |"]


def test_after_a_flush_a_reader_finds_what_was_written(tmp_path):
    events, read = EventFile(tmp_path), EventAccumulator(str(tmp_path))
    events.write(0, [scalar("a", 1.0)])
    events.flush()
    assert len(read.Reload().Scalars("a")) == 1
    events.write(1, [scalar("a", 2.0)])
    events.flush()
    assert len(read.Reload().Scalars("a")) == 2
    events.close()


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        EventFile(tmp_path / "file" / "run")


def test_a_histogram_worked_by_hand():
    """0 to 3 in 30 bins of a tenth: 0 in the first, 1.55 in the sixteenth, both threes in the last."""
    [histogram] = histograms("h", np.array([[0.0, 1.55, 3.0, 3.0]]))
    counts = np.zeros(NUM_BINS)
    counts[[0, 15, 29]] = [1, 1, 2]
    np.testing.assert_array_equal(histogram.histo.bucket, counts)
    np.testing.assert_allclose(histogram.histo.bucket_limit, np.arange(1, 31) / 10)
    assert (histogram.histo.min, histogram.histo.max, histogram.histo.num) == (0, 3, 4)


def test_histograms_of_numbers_all_alike_and_of_what_is_no_number():
    values = np.array([[2.0, 2.0], [np.nan, 1.0], [np.inf, 1.0], [-3e38, 3e38], [0.0, 1.0]], np.float32)
    alike, nan, infinite, too_wide, fine = histograms("h", values)
    assert alike.histo.bucket[0] == 2
    assert nan is infinite is too_wide is None
    assert sum(fine.histo.bucket) == 2
