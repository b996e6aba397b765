"""The catalogue: mistakes that people really make, each as one wrong rule beside the right one.

rules       what an entry is
forward     the way there: activations, biases, the cost's value
delta       the way back from layer to layer: the slopes of the cost and of the activations, the sum over paths
gradient    from delta to the gradients: averages, kernels, biases, the layers' order
loop        the step, and the steps in turn
behaviour   what no formula shows: inputs changed, answers that do not repeat
"""

from grading.assignment import Assignment
from grading.mistakes.behaviour import BEHAVIOUR
from grading.mistakes.delta import DELTA
from grading.mistakes.forward import FORWARD
from grading.mistakes.gradient import GRADIENT
from grading.mistakes.loop import LOOP
from grading.mistakes.rules import Mistake, Setting

CATALOGUE: tuple[Mistake, ...] = (*FORWARD, *DELTA, *GRADIENT, *LOOP)
"""All entries with a wrong rule: what `applicable` chooses from."""

__all__ = ["BEHAVIOUR", "CATALOGUE", "Mistake", "Setting", "applicable", "setting_of"]


def setting_of(assignment: Assignment) -> Setting:
    """What of an assignment decides which mistakes can be made."""
    return {key: getattr(assignment, key) for key in ("activation", "output", "cost", "samples")}


def applicable(setting: Setting) -> tuple[Mistake, ...]:
    """The entries that can happen in an assignment."""
    return tuple(mistake for mistake in CATALOGUE if mistake.applies(setting))
