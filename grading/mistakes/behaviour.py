"""Mistakes that no formula shows: what a function does besides returning values. They have no wrong rule."""

from __future__ import annotations

from grading.mistakes.rules import Mistake

INPUTS_CHANGED = Mistake(
    "inputs-changed",
    says="what is handed in is changed in place",
    done="an operation such as -= on an argument, or an entry of a list replaced",
    right="new arrays in new lists",
    hint="The caller still needs what was handed in. Which of your operations write into an argument?",
)
RESULTS_CHANGE_LATER = Mistake(
    "results-change-later",
    says="what was returned changes with the next call: it is memory that the function goes on using",
    done="one array, filled anew in every call",
    right="new arrays for each call",
    hint="Who else holds the arrays that you return?",
)
NOT_REPEATABLE = Mistake(
    "not-repeatable",
    says="called twice with the same input, it answers differently",
    done="something is kept from call to call, or drawn at random",
    right="the same answer to the same question",
    hint="Look for global lists and sums that grow, and for random numbers",
)
OWN_SHUFFLE = Mistake(
    "own-shuffle",
    says="the samples are shuffled again, instead of following the given batches",
    done="a random order of its own",
    right="the given batches, in their order",
    hint="The batches hold the numbers of the samples to use; the shuffling is done already",
)
SHUFFLED_APART = Mistake(
    "shuffled-apart",
    says="inputs and targets are shuffled apart: a sample meets the target of another",
    done="x in one random order, y in another",
    right="x and y in the same order",
    hint="x and y belong together, row by row. How many random orders do you draw?",
)

ATTRIBUTES_UNUSED = Mistake(
    "attributes-unused",
    says="the method does not work with the weights that were set on the instance",
    done="attributes of other names, or copies made in __init__",
    right="the attributes that the assignment names",
    hint="The grader makes an instance and sets its attributes before it calls the method. What does yours work with?",
)
RETURNS_EXCHANGED = Mistake(
    "returns-exchanged",
    says="the two results are returned in the other order",
    done="the second, then the first",
    right="the order that the assignment gives",
    hint="In which order does the assignment list what is returned?",
)
INPUT_NOT_AMONG_ACTIVATIONS = Mistake(
    "input-not-among-activations",
    says="the list of activations does not begin with the input",
    done="[a_1, ..., a_L]",
    right="[x, a_1, ..., a_L]",
    hint="The first kernel's gradient needs what went into the first layer",
)
COST_OF_EACH_SAMPLE = Mistake(
    "cost-of-each-sample",
    says="the cost of each sample is returned, where their mean is asked for",
    done="an array of m numbers",
    right="one number",
    hint="A batch costs the mean over its samples",
)

BEHAVIOUR = (
    INPUTS_CHANGED,
    RESULTS_CHANGE_LATER,
    NOT_REPEATABLE,
    OWN_SHUFFLE,
    SHUFFLED_APART,
    ATTRIBUTES_UNUSED,
    RETURNS_EXCHANGED,
    INPUT_NOT_AMONG_ACTIVATIONS,
    COST_OF_EACH_SAMPLE,
)
