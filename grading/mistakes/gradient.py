"""Mistakes on the way back: the factors of the chain rule, how they are put together, averages, order.

p is what is known when the way back begins, l the layer counted from 0; a[l] enters layer l, a[l+1] leaves it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.functions import ACTIVATIONS, Array, softmax
from backprop.network import Pass, transpose
from grading.mistakes.rules import Mistake, only, unless

SQUARED = ("squared-error", "half-squared-error")
BEND = ("sigmoid", "tanh")
CHAIN_RULE = 'The lecture, "The math": dC/dw is a product of three factors'


def batch_size(p: Pass) -> int:
    """Samples in the batch, m in the formulas."""
    return int(p.y.shape[-2])


def num_outputs(p: Pass) -> int:
    """Units of the last layer."""
    return int(p.y.shape[-1])


def is_output(p: Pass, l: int) -> bool:
    """Whether layer l is the last one."""
    return l == len(p.z) - 1


def probabilities(p: Pass) -> Array:
    """The last layer's activations as the student knows them: softmax of the logits."""
    return softmax(p.a[-1])


def output_delta(p: Pass) -> Array:
    """delta of the last layer, by the rules in force."""
    last, rule = len(p.z) - 1, p.network.rule
    return rule.unit_error(p, last, rule.cost_slope(p), rule.activation_slope(p, last))


def reference_slope(p: Pass, l: int, z: Array) -> Array:
    """s' of layer l at another place."""
    return p.network.activations[l].derivative(z)


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
        done="dC/da = 2 (y - a)",
        right="dC/da = 2 (a - y)",
        hint="The lecture's first factor: which of the two is subtracted in C = (a - y)^2",
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

AVERAGES = (
    Mistake(
        "batch-summed",
        says="the batch is summed, not averaged",
        done="sum over the samples",
        right="sum over the samples / m",
        hint='The lecture\'s step 6: "the average of the changes" over the samples',
        chain={"average": lambda right, p, total: right(p, total) * batch_size(p)},
        applies=only(samples="batch"),
        convention="the cost summed over the batch",
    ),
    Mistake(
        "averaged-over-classes-too",
        says="it is averaged over the output units too, as in Keras's mse",
        done="... / (m n_L)",
        right="... / m",
        hint="The lecture's cost is a sum over j, the output units; only the samples are averaged",
        chain={"average": lambda right, p, total: right(p, total) / num_outputs(p)},
        convention="the cost averaged over the output units",
    ),
    Mistake(
        "averaged-over-classes-not-samples",
        says="it is divided by the number of output units instead of the number of samples",
        done="... / n_L",
        right="... / m",
        hint="Which axis of your arrays is the batch? The lecture averages over the samples, and sums over j",
        chain={"average": lambda right, p, total: right(p, total) * batch_size(p) / num_outputs(p)},
        applies=only(samples="batch"),
    ),
    Mistake(
        "averaged-twice",
        says="the mean over the batch is taken twice",
        done="... / m^2",
        right="... / m",
        hint="The 1/m of the mean enters once. Look for a mean() of what is divided already",
        chain={"average": lambda right, p, total: right(p, total) / batch_size(p)},
        applies=only(samples="batch"),
    ),
    Mistake(
        "hidden-deltas-averaged-again",
        says="the deltas are divided by the batch size on their way from layer to layer",
        done="delta_l = (...) s'(z_l) / m",
        right="delta_l = (...) s'(z_l)",
        hint="delta belongs to a single sample. Only a gradient of weights is averaged, at the very end",
        chain={"sum_over_paths": lambda right, p, l, delta, dz_da: right(p, l, delta, dz_da) / batch_size(p)},
        applies=only(samples="batch"),
    ),
    Mistake(
        "averaged-then-multiplied",
        says="activations and deltas are each averaged over the batch, and multiplied afterwards",
        done="dW = mean(a)^T mean(delta)",
        right="dW = mean of (a^T delta)",
        hint="The mean of products is not the product of means: multiply for each sample, then average",
        chain={
            "kernel_gradient": lambda right, p, l, delta, dz_dW: (
                transpose(dz_dW.mean(axis=-2, keepdims=True)) @ delta.mean(axis=-2, keepdims=True) * batch_size(p)
            )
        },
        applies=only(samples="batch"),
    ),
    *(
        Mistake(
            f"only-the-{which}-sample" + ("-divided" * divided),
            says=f"only the {which} sample of the batch counts" + (", and is divided by m all the same" * divided),
            done=f"a[{which}]^T delta[{which}]" + (" / m" * divided),
            right="the mean over all samples",
            hint='The lecture\'s step 6: run this for all the images, and average. Look for "=" where "+=" is meant',
            chain={
                "kernel_gradient": lambda right, p, l, delta, dz_dW, row=row, divided=divided: (
                    transpose(dz_dW[row]) @ delta[row] * (1 if divided else batch_size(p))
                ),
                "bias_gradient": lambda right, p, l, delta, dz_db, row=row, divided=divided: (
                    delta[row][0] * (1 if divided else batch_size(p))
                ),
            },
            applies=only(samples="batch"),
        )
        for which, row in (("first", slice(0, 1)), ("last", slice(-1, None)))
        for divided in (False, True)
    ),
    Mistake(
        "bias-summed-kernel-averaged",
        says="the biases' gradient is summed over the batch, while the kernels' is averaged",
        done="db = sum of delta; dW = a^T delta / m",
        right="both are means over the batch",
        hint="dC/db has the same delta, and the same average, as dC/dw; only the last factor is 1",
        chain={"bias_gradient": lambda right, p, l, delta, dz_db: right(p, l, delta, dz_db) * batch_size(p)},
        applies=only(samples="batch"),
    ),
    Mistake(
        "kernel-summed-bias-averaged",
        says="the kernels' gradient is summed over the batch, while the biases' is averaged",
        done="dW = a^T delta; db = mean of delta",
        right="both are means over the batch",
        hint="A matrix product over the batch is a sum over its samples: what makes it a mean?",
        chain={"kernel_gradient": lambda right, p, l, delta, dz_dW: right(p, l, delta, dz_dW) * batch_size(p)},
        applies=only(samples="batch"),
    ),
    Mistake(
        "integer-arithmetic",
        says="the values have lost what stands after the decimal point: an array of integers receives them",
        done="gradient stored in integers",
        right="gradient in float64",
        hint="What type has an array made by np.zeros(..., dtype=int), or by np.array([0, 0])?",
        chain={"average": lambda right, p, total: np.trunc(right(p, total))},
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


ACTIVATION_SLOPE = (
    Mistake(
        "slope-missing-at-output",
        says="s' is missing in the output layer (2 times the cross-entropy's a - y is the same)",
        done="delta_L = 2 (a - y)",
        right="delta_L = 2 (a - y) s'(z_L)",
        hint=f"{CHAIN_RULE}. Which one is missing in your last layer?",
        chain={"activation_slope": lambda right, p, l: np.ones_like(p.z[l]) if is_output(p, l) else right(p, l)},
        applies=only(cost=SQUARED, output=BEND),
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
)

KERNEL_GRADIENT = (
    Mistake(
        "activation-of-the-same-layer",
        says="delta is multiplied by the activation of its own layer, not of the layer before (the lecture's misprint)",
        done="dC/dw = delta_l a_l",
        right="dC/dw = delta_l a_(l-1)",
        hint="The third factor, dz/dw: in z_l = w a_(l-1) + b, what is w multiplied by?",
        chain={"kernel_slope": lambda right, p, l: p.a[l + 1]},
    ),
    Mistake(
        "z-for-activation",
        says="delta is multiplied by the z of the layer before, where its activation belongs",
        done="dC/dw = delta_l z_(l-1)",
        right="dC/dw = delta_l a_(l-1)",
        hint="The third factor, dz/dw: in z_l = w a_(l-1) + b, what is w multiplied by?",
        chain={"kernel_slope": lambda right, p, l: p.z[l - 1] if l > 0 else right(p, l)},
        applies=only(activation=("sigmoid", "tanh", "relu")),
    ),
    Mistake(
        "input-for-every-activation",
        says="every layer's delta is multiplied by the network's input x",
        done="dC/dw = delta_l x",
        right="dC/dw = delta_l a_(l-1)",
        hint="x enters the first layer only. What enters the others?",
        chain={"kernel_slope": lambda right, p, l: p.a[0]},
    ),
    Mistake(
        "kernel-gradient-transposed",
        says="the kernels' gradients are transposed",
        done="dW = delta^T a",
        right="dW = a^T delta",
        hint="dC/dw has one entry for each entry of the kernel, at the same place",
        chain={"kernel_gradient": lambda right, p, l, delta, dz_dW: transpose(right(p, l, delta, dz_dW))},
    ),
    Mistake(
        "kernel-gradient-reshaped",
        says="the kernels' gradients are reshaped, not transposed: the shape is right, the entries are not",
        done="dW = (delta^T a).reshape(...)",
        right="dW = a^T delta",
        hint="reshape keeps the order of the entries in memory; a transpose exchanges rows and columns",
        chain={
            "kernel_gradient": lambda right, p, l, delta, dz_dW: transpose(right(p, l, delta, dz_dW)).reshape(
                dz_dW.shape[-1], delta.shape[-1]
            )
        },
    ),
    Mistake(
        "activations-reshaped",
        says="the activations are reshaped, not transposed: the shape is right, the entries are not",
        done="dW = a.reshape(...) delta",
        right="dW = a^T delta",
        hint="reshape keeps the order of the entries in memory; a transpose exchanges rows and columns",
        chain={
            "kernel_gradient": lambda right, p, l, delta, dz_dW: dz_dW.reshape(dz_dW.shape[-1], batch_size(p)) @ delta
        },
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
    Mistake(
        "elementwise-kernel-gradient",
        says="activations and deltas are multiplied element by element, where a matrix product belongs",
        done="dW = a * delta",
        right="dW = a^T delta, a matrix product",
        hint="Each weight w_jk joins one k with one j, and the samples are summed: look at the shape of your product",
        chain={"kernel_gradient": lambda right, p, l, delta, dz_dW: dz_dW * delta},
    ),
    Mistake(
        "first-layer-never-computed",
        says="the first layer's gradients are zero: the loop ends one layer early",
        done="dW_1 = 0, db_1 = 0",
        right="every layer has its gradient",
        hint="The lecture's step 5: until we reach the first layer. Check the last round of your loop",
        chain={
            "kernel_gradient": lambda right, p, l, delta, dz_dW: right(p, l, delta, dz_dW) * (l > 0),
            "bias_gradient": lambda right, p, l, delta, dz_db: right(p, l, delta, dz_db) * (l > 0),
        },
    ),
    Mistake(
        "hidden-layers-never-computed",
        says="only the output layer has gradients; those of the hidden layers are zero",
        done="dW_l = 0, db_l = 0 for l < L",
        right="every layer has its gradient",
        hint="The lecture's step 5: follow the same process for the layer before, until the first",
        chain={
            "kernel_gradient": lambda right, p, l, delta, dz_dW: right(p, l, delta, dz_dW) * is_output(p, l),
            "bias_gradient": lambda right, p, l, delta, dz_db: right(p, l, delta, dz_db) * is_output(p, l),
        },
    ),
)


def _reordered(name: str, says: str, done: str, order: Any) -> Mistake:
    def returned(right: Any, quantities: Any) -> Any:
        quantities = right(quantities)
        return quantities | {
            key: order(quantities[key]) for key in ("kernel_gradients", "bias_gradients") if key in quantities
        }

    def gradient(right: Any, *arguments: Any) -> Any:
        dW, db = right(*arguments)
        return order(dW), order(db)

    return Mistake(
        name,
        says=says,
        done=done,
        right="the first gradient belongs to the first layer",
        hint="The way back meets the last layer first: in which order does your list grow?",
        returned=returned,
        loop={"gradient": gradient},
    )


ORDER = (
    _reordered(
        "gradients-reversed",
        "the gradients stand in reversed order, the output layer's first",
        "[dW_L, ..., dW_1]",
        lambda tensors: list(tensors)[::-1],
    ),
    _reordered(
        "gradients-shifted",
        "the gradients stand one place too far, and the last comes first",
        "[dW_L, dW_1, ..., dW_(L-1)]",
        lambda tensors: [*list(tensors)[-1:], *list(tensors)[:-1]],
    ),
    _reordered(
        "gradients-shifted-back",
        "the gradients stand one place too early, and the first comes last",
        "[dW_2, ..., dW_L, dW_1]",
        lambda tensors: [*list(tensors)[1:], *list(tensors)[:1]],
    ),
)


def _bias(name: str, says: str, done: str, wrong: Any, hint: str = "", **more: Any) -> Mistake:
    return Mistake(
        name,
        says=says,
        done=done,
        right="db_j = mean over the samples of delta_j",
        hint=hint or "The lecture: dC/db = dC/da da/dz * 1, for each unit its own, averaged over the samples",
        chain={"bias_gradient": wrong},
        **more,
    )


BIAS_GRADIENT = (
    _bias(
        "bias-gradients-zero",
        "the biases never get a gradient",
        "db = 0",
        lambda right, p, l, delta, dz_db: right(p, l, delta, dz_db) * 0,
    ),
    _bias(
        "output-bias-gradient-zero",
        "the output layer's bias gets no gradient",
        "db_L = 0",
        lambda right, p, l, delta, dz_db: right(p, l, delta, dz_db) * (not is_output(p, l)),
    ),
    _bias(
        "hidden-bias-gradients-zero",
        "the hidden layers' biases get no gradient",
        "db_l = 0 for l < L",
        lambda right, p, l, delta, dz_db: right(p, l, delta, dz_db) * is_output(p, l),
    ),
    _bias(
        "bias-gradient-one-number",
        "the bias's gradient is a single number for each layer: it is summed over the units too",
        "db = sum of all of delta / m",
        lambda right, p, l, delta, dz_db: np.asarray(delta.sum()),
        "np.sum without an axis sums over everything. Each unit has a bias of its own",
    ),
    _bias(
        "bias-gradient-one-number-for-all",
        "all entries of a bias's gradient are equal: it is summed over the units too",
        "db_j = sum of all of delta / m",
        lambda right, p, l, delta, dz_db: np.full(delta.shape[-1], delta.sum()),
        "np.sum without an axis sums over everything. Each unit has a bias of its own",
    ),
    _bias(
        "bias-gradient-mean-of-all",
        "the bias's gradient is a single number for each layer: the mean over samples and units",
        "db = mean of all of delta",
        lambda right, p, l, delta, dz_db: np.asarray(delta.mean() * batch_size(p)),
        "np.mean without an axis averages over everything. Each unit has a bias of its own",
    ),
    _bias(
        "bias-gradient-over-units",
        "the bias's gradient is averaged over the units instead of the samples",
        "db = mean of delta over the units",
        lambda right, p, l, delta, dz_db: delta.mean(axis=-1) * batch_size(p),
        "Which axis of delta are the samples, and which the units?",
    ),
    _bias(
        "bias-gradient-summed-over-units",
        "the bias's gradient is summed over the units instead of the samples",
        "db = sum of delta over the units / m",
        lambda right, p, l, delta, dz_db: delta.sum(axis=-1),
        "Which axis of delta are the samples, and which the units?",
    ),
    _bias(
        "bias-gradient-keeps-the-batch",
        "the bias's gradient still has the batch axis: it is delta itself",
        "db = delta",
        lambda right, p, l, delta, dz_db: delta * batch_size(p),
        applies=only(samples="batch"),
    ),
    _bias(
        "bias-gradient-keeps-the-batch-divided",
        "the bias's gradient still has the batch axis: it is delta / m",
        "db = delta / m",
        lambda right, p, l, delta, dz_db: delta,
        applies=only(samples="batch"),
    ),
    _bias(
        "bias-gradient-from-kernel-gradient",
        "the bias's gradient is a sum over the kernel's",
        "db_j = sum over k of dW_kj",
        lambda right, p, l, delta, dz_db: (transpose(p.network.rule.kernel_slope(p, l)) @ delta).sum(axis=-2),
    ),
    _bias(
        "bias-gradient-mean-of-kernel-gradient",
        "the bias's gradient is a mean over the kernel's",
        "db_j = mean over k of dW_kj",
        lambda right, p, l, delta, dz_db: (transpose(p.network.rule.kernel_slope(p, l)) @ delta).mean(axis=-2),
    ),
)

GRADIENT = (*COST_SLOPE, *AVERAGES, *ACTIVATION_SLOPE, *WAY_BACK, *KERNEL_GRADIENT, *ORDER, *BIAS_GRADIENT)
