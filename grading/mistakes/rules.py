"""What an entry of the catalogue is.

A wrong rule is a function whose first argument is the right one, and then takes what the right one takes. So

    {"cost_slope": lambda right, p: right(p) / 2}

is the chain rule whose cost's slope has lost its factor 2. Where two mistakes meet in one rule, the second gets the
first as its "right" one: pairs need no entries of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from backprop.functions import Activation, Array
from grading.derivation import Derivation, Rules

Setting: TypeAlias = Mapping[str, str]
"""What an assignment fixes: `activation`, `output`, `cost`, `samples`."""


def always(_: Setting) -> bool:
    """For mistakes that can be made in any network."""
    return True


def only(**wanted: str | tuple[str, ...]) -> Callable[[Setting], bool]:
    """For mistakes that need an activation, an output or a cost: `only(cost="squared-error")`."""

    def applies(setting: Setting) -> bool:
        return all(setting[key] in ((names,) if isinstance(names, str) else names) for key, names in wanted.items())

    return applies


def unless(**unwanted: str | tuple[str, ...]) -> Callable[[Setting], bool]:
    """For mistakes that are none with an activation: `unless(activation="sigmoid")`."""
    would_be = only(**unwanted)
    return lambda setting: not would_be(setting)


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        name: an identifier: `transpose-missing`.
        says: what the student is told, after "a gradient in which" or the like: a clause.
        done: the formula as done.
        right: the formula as it should be.
        hint: where in the lecture the step stands. Never the code.
        chain: wrong rules of the chain rule, by their names in `ChainRule`.
        loop: wrong rules of the loop, by their names in `Descent`.
        activation: see `Derivation`.
        cost: see `Derivation`.
        output: see `Derivation`.
        returned: takes the quantities about to be returned, and returns them spoilt.
        applies: whether the mistake can be made in an assignment.
        number: values to try where the mistake has a number of its own, such as a momentum. The wrong rules are
            then functions of that number, and it is fitted.
        empty: whether what comes back holds nothing of the student's: then nothing is earned by it.
        convention: one idea that leads to several mistakes, such as half the cost; they are charged once.
    """

    name: str
    says: str
    done: str
    right: str
    hint: str
    chain: Any = field(default_factory=dict)
    loop: Any = field(default_factory=dict)
    activation: Callable[..., Activation] | None = None
    cost: Any = None
    output: Callable[..., Array] | None = None
    returned: Callable[..., Any] | None = None
    applies: Callable[[Setting], bool] = always
    number: tuple[float, ...] = ()
    empty: bool = False
    convention: str = ""

    def made_in(self, derivation: Derivation, number: float | None = None) -> Derivation:
        """The derivation with this mistake in it."""

        def rules(wrong: Any) -> tuple[Rules, ...]:
            wrong = wrong(number) if callable(wrong) else wrong
            return (wrong,) if wrong else ()

        def function(wrong: Callable[..., Any] | None) -> tuple[Callable[..., Any], ...]:
            if wrong and self.number:
                wrong = wrong(number)
            return (wrong,) if wrong else ()

        return dataclasses.replace(
            derivation,
            chain=derivation.chain + rules(self.chain),
            loop=derivation.loop + rules(self.loop),
            activation=derivation.activation + function(self.activation),
            cost=derivation.cost + function(self.cost),
            output=derivation.output + function(self.output),
            returned=derivation.returned + function(self.returned),
        )
