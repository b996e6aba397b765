"""Backpropagation derived by hand, in NumPy and nothing else. Start reading at `backprop/network.py`.

functions    activations and costs, each with its derivative
network      forward, backward, sgd_step
descent      many steps: stochastic gradient descent
numeric      the same gradients without the chain rule: complex step, central differences
factors      what backward computes on its way, for people to look at
compare      do two sets of gradients agree?
rounding     how far apart two correct ones may lie
"""

from backprop.compare import TensorReport, compare, relative_error, tolerance_for
from backprop.descent import Descent, Run, train
from backprop.network import ChainRule, Network, Pass, backward, batch_cost, forward, sgd_step

__all__ = [
    "ChainRule",
    "Descent",
    "Network",
    "Pass",
    "Run",
    "TensorReport",
    "backward",
    "batch_cost",
    "compare",
    "forward",
    "relative_error",
    "sgd_step",
    "tolerance_for",
    "train",
]
