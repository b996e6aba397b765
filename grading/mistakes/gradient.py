"""Mistakes from delta to the gradients: averages, the kernels' gradients, the biases', the layers' order.

p is what is known when the way back begins, l the layer counted from 0; a[l] enters layer l, a[l+1] leaves it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.network import transpose
from grading.mistakes.lookups import batch_size, is_output, num_outputs
from grading.mistakes.rules import Mistake, only

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
        says="it is averaged over the output units too",
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
        "gradients-all-zero",
        says="all gradients are zero",
        done="dW = 0, db = 0",
        right="gradients by the chain rule",
        hint="Does what is computed reach the arrays that you return? Arrays of integers would cut it to 0",
        chain={"average": lambda right, p, total: 0 * right(p, total)},
        empty=True,
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

GRADIENT = (*AVERAGES, *KERNEL_GRADIENT, *ORDER, *BIAS_GRADIENT)
