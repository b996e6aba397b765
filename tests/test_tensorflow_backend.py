"""Setting TensorFlow up: what is quiet, what is kept, how many processors are used. In processes of their own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def printed(program):
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def test_the_garbage_collector_works_again_and_leaves_the_imports_alone():
    frozen, enabled = printed(
        "import models.tensorflow_backend, gc; print(gc.get_freeze_count() > 100_000, gc.isenabled())"
    )
    assert (frozen, enabled) == ("True", "True")


def test_a_collector_that_was_off_stays_off():
    assert printed("import gc; gc.disable(); import models.tensorflow_backend; print(gc.isenabled())") == ["False"]


def test_one_processor_is_left():
    threads, processors = printed(
        "import models.tensorflow_backend as b, os, tensorflow; b.leave_one_processor(); tensorflow.constant(1.0);"
        "b.leave_one_processor();"  # too late: without effect, and no error
        "print(tensorflow.config.threading.get_intra_op_parallelism_threads(), os.cpu_count())"
    )
    assert int(threads) == max(1, int(processors) - 1)
