"""Makes `np` known to the doctests, as to every reader of NumPy's own."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace):
    doctest_namespace["np"] = np
