"""Backpropagation derived by hand, in NumPy and nothing else. Start reading at `backprop/network.py`.

functions    activations and costs, each with its derivative
network      forward, backward, sgd_step
numeric      the same gradients without the chain rule: complex step, central differences
compare      do two sets of gradients agree?
rounding     how far apart two correct ones may lie
"""

from backprop.compare import TensorReport, compare, relative_error, tolerance_for
from backprop.network import ChainRule, Network, Pass, backward, batch_cost, forward, sgd_step

__all__ = [
    "ChainRule",
    "Network",
    "Pass",
    "TensorReport",
    "backward",
    "batch_cost",
    "compare",
    "forward",
    "relative_error",
    "sgd_step",
    "tolerance_for",
]
