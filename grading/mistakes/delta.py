"""Mistakes in delta = dC/dz: the cost's slope, the activation's slope, and the way back from layer to layer.

p is what is known when the way back begins, l the layer counted from 0; a[l] enters layer l, a[l+1] leaves it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.functions import ACTIVATIONS, Array, softmax
from backprop.network import Pass, transpose
from grading.mistakes.lookups import BEND, SQUARED, is_output, num_outputs, output_delta, probabilities, reference_slope
from grading.mistakes.rules import Mistake, only, unless

CHAIN_RULE = 'The lecture, "The math": dC/dw is a product of three factors'

COST_SLOPE = (
    Mistake(
        "factor-2-missing",
        says="the factor 2 of the squared error's derivative is missing",
        done="dC/da = a - y",
        right="dC/da = 2 (a - y)",
        hint="The lecture's first factor: differentiate the square in C = (a - y)^2",
        chain={"cost_slope": lambda right, p: right(p) / 2},
        applies=only(cost="squared-error"),
        convention="half the squared error",
    ),
    Mistake(
        "factor-2-extra",
        says="a factor 2 stands that this cost's derivative does not have",
        done="dC/da = 2 (a - y)",
        right="dC/da = a - y, for half the squared error",
        hint="Differentiate the cost as the assignment states it, with its 1/2",
        chain={"cost_slope": lambda right, p: right(p) * 2},
        applies=only(cost="half-squared-error"),
        convention="the squared error without its 1/2",
    ),
    Mistake(
        "factor-2-with-cross-entropy",
        says="the factor 2 of the squared error stands before the cross-entropy's slope",
        done="delta = 2 (p - y)",
        right="delta = p - y",
        hint="The 2 belongs to the square of the squared error; the cross-entropy has no square",
        chain={"cost_slope": lambda right, p: right(p) * 2},
        applies=only(cost="cross-entropy"),
    ),
    Mistake(
        "sign",
        says="the sign is turned: it points downhill, as (y - a) does, while the gradient points uphill",
        done="dC/da with y - a",
        right="dC/da with a - y",
        hint="Where an activation above its target is raised further, does the cost grow or fall?",
        chain={"cost_slope": lambda right, p: -right(p)},
    ),
    Mistake(
        "labels-broadcast",
        says="targets of shape (m,) meet activations of shape (m, 1): NumPy makes an (m, m) table of them",
        done="(a - y) of shape (m, m)",
        right="(a - y) of shape (m, 1)",
        hint="Each sample's activation is compared with its own target only. Look at the shape of your a - y",
        chain={"cost_slope": lambda right, p: 2 * (p.a[-1][:, 0] - p.y) if num_outputs(p) == 1 else right(p)},
        cost=lambda right, network, a, y: (
            ((a[:, 0] - y) ** 2).sum(axis=-1).mean() if y.shape[-1] == 1 else right(network, a, y)
        ),
        applies=only(cost="squared-error"),
    ),
    Mistake(
        "softmax-twice",
        says="softmax is applied to what is softmax already: probabilities are taken for logits",
        done="p = softmax(softmax(z))",
        right="p = softmax(z)",
        hint="The last activation is the softmax of z. Ask whether your cost and your delta apply it once more",
        chain={"cost_slope": lambda right, p: softmax(probabilities(p)) - p.y},
        cost=lambda right, network, a, y: right(network, softmax(a), y),
        output=lambda right, z: softmax(right(z)),
        applies=only(cost="cross-entropy"),
    ),
    Mistake(
        "softmax-jacobian-diagonal",
        says="of softmax's derivatives only those of a unit by its own logit are taken",
        done="delta_j = dC/dp_j * p_j (1 - p_j)",
        right="delta_j = sum over i of dC/dp_i * dp_i/dz_j",
        hint="Each probability depends on every logit, through the sum in the denominator",
        chain={"cost_slope": lambda right, p: -p.y * (1 - probabilities(p))},
        applies=only(cost="cross-entropy"),
    ),
    Mistake(
        "softmax-slope-twice",
        says="p - y, which has softmax's derivative in it already, is multiplied by p (1 - p) once more",
        done="delta = (p - y) p (1 - p)",
        right="delta = p - y",
        hint="p - y is the derivative by the logits: softmax and cross-entropy together",
        chain={"cost_slope": lambda right, p: right(p) * probabilities(p) * (1 - probabilities(p))},
        applies=only(cost="cross-entropy"),
    ),
)


def _slope(name: str, says: str, done: str, wrong: Any, hint: str = "", **more: Any) -> Mistake:
    return Mistake(
        name,
        says=says,
        done=done,
        right="da/dz = s'(z) of the same layer",
        hint=hint or f"{CHAIN_RULE}; the second one is da/dz = s'(z)",
        chain={"activation_slope": wrong},
        **more,
    )


def _missing_at_output(right: Any, p: Pass, l: int) -> Array:
    return np.ones_like(p.z[l]) if is_output(p, l) else right(p, l)


ACTIVATION_SLOPE = (
    Mistake(
        "slope-missing-at-output",
        says="s' is missing in the output layer (2 times the cross-entropy's a - y is the same)",
        done="delta_L = 2 (a - y)",
        right="delta_L = 2 (a - y) s'(z_L)",
        hint=f"{CHAIN_RULE}. Which one is missing in your last layer?",
        chain={"activation_slope": _missing_at_output},
        applies=only(cost="squared-error", output=BEND),
    ),
    Mistake(
        "slope-missing-at-output-of-half-cost",
        says="s' is missing in the output layer: a - y alone is the cross-entropy's delta",
        done="delta_L = a - y",
        right="delta_L = (a - y) s'(z_L)",
        hint=f"{CHAIN_RULE}. Which one is missing in your last layer?",
        chain={"activation_slope": _missing_at_output},
        applies=only(cost="half-squared-error", output=BEND),
    ),
    Mistake(
        "cross-entropy-delta",
        says="the delta of cross-entropy is taken for the squared error's",
        done="delta_L = a - y",
        right="delta_L = 2 (a - y) s'(z_L)",
        hint="a - y is right for cross-entropy, where s' cancels. Here the cost is the squared error",
        chain={"activation_slope": lambda right, p, l: np.ones_like(p.z[l]) / 2 if is_output(p, l) else right(p, l)},
        applies=only(cost="squared-error", output=BEND),
    ),
    _slope(
        "slope-missing-in-hidden-layers",
        "s' is missing in the hidden layers",
        "delta_l = sum over j of w_jk delta_j",
        lambda right, p, l: right(p, l) if is_output(p, l) else np.ones_like(p.z[l]),
    ),
    _slope(
        "slope-missing-everywhere",
        "s' is missing in every layer",
        "da/dz = 1",
        lambda right, p, l: np.ones_like(p.z[l]),
        applies=only(cost=SQUARED, output=BEND),
    ),
    _slope(
        "slope-of-the-activation",
        "s' is taken of the activation a instead of z (or z was overwritten by a before)",
        "da/dz = s'(a)",
        lambda right, p, l: reference_slope(p, l, p.a[l + 1]),
        "s' is evaluated at z, the input of the activation. What do you hand to it?",
        applies=only(activation=BEND),
    ),
    _slope(
        "slope-of-the-activation-at-output",
        "s' is taken of the activation a instead of z, in the output layer",
        "da/dz = s'(a_L)",
        lambda right, p, l: reference_slope(p, l, p.a[l + 1]) if is_output(p, l) else right(p, l),
        "s' is evaluated at z, the input of the activation. What do you hand to it?",
        applies=only(cost=SQUARED, output=BEND),
    ),
    _slope(
        "z-times-one-minus-z",
        "the formula s' = a (1 - a) is applied to z",
        "da/dz = z (1 - z)",
        lambda right, p, l: p.z[l] * (1 - p.z[l]) if p.network.activations[l].name == "sigmoid" else right(p, l),
        "s' = s (1 - s): what is s there, the input of the sigmoid or its value?",
        applies=only(activation="sigmoid"),
    ),
    _slope(
        "one-minus-z-squared",
        "the formula s' = 1 - a^2 is applied to z",
        "da/dz = 1 - z^2",
        lambda right, p, l: 1 - p.z[l] ** 2 if p.network.activations[l].name == "tanh" else right(p, l),
        "s' = 1 - tanh^2: what is squared, the input of tanh or its value?",
        applies=only(activation="tanh"),
    ),
    _slope(
        "slope-twice",
        "s' stands twice",
        "delta_l = (...) s'(z_l)^2",
        lambda right, p, l: right(p, l) ** 2,
        "Each layer passes through its activation once. Does your s' enter in two places?",
        applies=only(activation=BEND),
    ),
    _slope(
        "activation-for-slope",
        "the activation itself stands where its derivative belongs",
        "da/dz = s(z)",
        lambda right, p, l: right(p, l) if p.network.activations[l].name == "linear" else p.a[l + 1],
        applies=only(activation=("sigmoid", "tanh", "relu")),
    ),
    _slope(
        "slope-of-the-layer-before",
        "s' is taken at the z of the layer before",
        "da/dz = s'(z_(l-1))",
        lambda right, p, l: reference_slope(p, l, p.z[l - 1]),  # Python's z[-1] for the first layer: the last one's
        "delta of layer l is dC/dz of layer l. Count your list: which z stands at that place?",
        applies=unless(output=("linear", "softmax")),
    ),
    _slope(
        "slope-of-the-layer-before-in-hidden-layers",
        "s' is taken at the z of the layer before, in the hidden layers",
        "da/dz = s'(z_(l-1))",
        lambda right, p, l: right(p, l) if is_output(p, l) else reference_slope(p, l, p.z[l - 1]),
        "delta of layer l is dC/dz of layer l. Count your list: which z stands at that place?",
    ),
    _slope(
        "slope-of-the-next-layer",
        "s' is taken at the z of the next layer",
        "da/dz = s'(z_(l+1))",
        lambda right, p, l: right(p, l) if is_output(p, l) else reference_slope(p, l, p.z[l + 1]),
        "delta of layer l is dC/dz of layer l. Count your list: which z stands at that place?",
    ),
    *(
        _slope(
            f"slope-of-{other}",
            f"the derivative of {other} is taken, in the hidden layers",
            f"da/dz = {other}'(z)",
            lambda right, p, l, other=other: right(p, l) if is_output(p, l) else ACTIVATIONS[other].derivative(p.z[l]),
            "Each activation has a derivative of its own: which one did the forward pass use?",
            applies=unless(activation=(other, "linear")),
            convention=f"{other} for the activation",
        )
        for other in ("sigmoid", "tanh", "relu")
    ),
    *(
        _slope(
            f"slope-of-{other}-everywhere",
            f"the derivative of {other} is taken, in every layer",
            f"da/dz = {other}'(z)",
            lambda right, p, l, other=other: ACTIVATIONS[other].derivative(p.z[l]),
            "Each activation has a derivative of its own: which one did the forward pass use?",
            applies=lambda setting, other=other: (
                setting["activation"] not in (other, "linear") and setting["output"] == setting["activation"]
            ),
            convention=f"{other} for the activation",
        )
        for other in ("sigmoid", "tanh", "relu")
    ),
    _slope(
        "softmax-layer-gets-the-hidden-slope",
        "the output delta p - y is multiplied by the hidden layers' s' once more",
        "delta_L = (p - y) s'(z_L)",
        lambda right, p, l: reference_slope(p, 0, p.z[l]) if is_output(p, l) else right(p, l),
        "p - y is dC/dz of the last layer already: softmax is its activation, and nothing else",
        applies=only(cost="cross-entropy", activation=("sigmoid", "tanh", "relu")),
    ),
)

WAY_BACK = (
    Mistake(
        "transpose-missing",
        says="the transpose of the next kernel is missing on the way back",
        done="delta_l = (delta_(l+1) W_(l+1)) s'(z_l)",
        right="delta_l = (delta_(l+1) W_(l+1)^T) s'(z_l)",
        hint="The lecture's last formula: the sum over j in dC/da_k. On which axis of the kernel does j lie?",
        chain={"sum_over_paths": lambda right, p, l, delta, dz_da: delta @ dz_da},
    ),
    Mistake(
        "transpose-missing-on-square-layers",
        says="the transpose of the next kernel is missing where the kernel is square: there NumPy does not complain",
        done="delta_l = (delta_(l+1) W_(l+1)) s'(z_l), where the widths are equal",
        right="delta_l = (delta_(l+1) W_(l+1)^T) s'(z_l)",
        hint="The lecture's last formula: the sum over j in dC/da_k. On which axis of the kernel does j lie?",
        chain={
            "sum_over_paths": lambda right, p, l, delta, dz_da: (
                delta @ dz_da if dz_da.shape[-1] == dz_da.shape[-2] else right(p, l, delta, dz_da)
            )
        },
    ),
    Mistake(
        "kernel-of-the-wrong-layer",
        says="delta goes back through the kernel of the layer it arrives at",
        done="delta_l = (delta_(l+1) W_l^T) s'(z_l)",
        right="delta_l = (delta_(l+1) W_(l+1)^T) s'(z_l)",
        hint="The lecture: dz^(L)/da^(L-1) = w^(L). From layer l+1 to layer l it goes through the kernel between them",
        chain={"input_slope": lambda right, p, l: p.W[l - 1]},
    ),
    Mistake(
        "output-delta-for-every-layer",
        says="every hidden delta is made from the output's delta: the recursion is missing",
        done="delta_l = (delta_L W_(l+1)^T) s'(z_l)",
        right="delta_l = (delta_(l+1) W_(l+1)^T) s'(z_l)",
        hint="The lecture's step 5: the same process is repeated, each layer from the one behind it",
        chain={"sum_over_paths": lambda right, p, l, delta, dz_da: right(p, l, output_delta(p), dz_da)},
    ),
    *(
        Mistake(
            f"one-path-only-{which}",
            says=f"of the paths through the next layer's units only the {which} one is counted: the sum is missing",
            done="dC/da_k = delta_j w_jk for one j",
            right="dC/da_k = sum over j of delta_j w_jk",
            hint="The lecture's last formula has a sum over j: a_k reaches the cost through every unit j",
            chain={
                "sum_over_paths": lambda right, p, l, delta, dz_da, j=j: right(p, l, delta[..., j], dz_da[..., j]),
            },
        )
        for which, j in (("first", slice(0, 1)), ("last", slice(-1, None)))
    ),
    Mistake(
        "elementwise-way-back",
        says="delta and kernel are multiplied element by element on the way back, where a matrix product belongs",
        done="delta_(l+1) * W_(l+1)",
        right="delta_(l+1) W_(l+1)^T, a matrix product",
        hint="The lecture's last formula has a sum over j. Which of NumPy's products sums?",
        chain={"sum_over_paths": lambda right, p, l, delta, dz_da: delta * dz_da},
        applies=only(samples="batch"),
    ),
    Mistake(
        "elementwise-way-back-transposed",
        says="delta and the transposed kernel are multiplied element by element, where a matrix product belongs",
        done="delta_(l+1) * W_(l+1)^T",
        right="delta_(l+1) W_(l+1)^T, a matrix product",
        hint="The lecture's last formula has a sum over j. Which of NumPy's products sums?",
        chain={"sum_over_paths": lambda right, p, l, delta, dz_da: delta * transpose(dz_da)},
        applies=only(samples="batch"),
    ),
    Mistake(
        "kernel-reshaped-on-the-way-back",
        says="the kernel is reshaped on the way back where it should be transposed",
        done="delta_(l+1) W_(l+1).reshape(...)",
        right="delta_(l+1) W_(l+1)^T",
        hint="reshape keeps the order of the entries in memory; a transpose exchanges rows and columns",
        chain={
            "sum_over_paths": lambda right, p, l, delta, dz_da: delta @ dz_da.reshape(dz_da.shape[-1], dz_da.shape[-2])
        },
    ),
)

DELTA = (*COST_SLOPE, *ACTIVATION_SLOPE, *WAY_BACK)
