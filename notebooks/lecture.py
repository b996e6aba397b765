"""The lecture, sentence by sentence, in its order: where the notebook has each, and what became of it.

`show.Claims.show` makes the table at the notebook's end of it.
"""

from show import Row

LECTURE: list[Row] = [
    "Preliminaries",
    ("reading: Geron, chapter 11; Brunton, chapter 6", "", "not part of this notebook"),
    (
        "a virtual environment of its own, since TensorFlow's packages are particular",
        "0",
        "done; not tested",
    ),
    "A conceptual description",
    ("MNIST, 70,000 handwritten numbers", "1", "70,000 images"),
    ("28 x 28 pixels, 784 input nodes", "1", "784 pixels"),
    ("ten output nodes, one for each digit", "1 2", "ten outputs"),
    (
        "the value of each is the probability of its digit",
        "3 probabilities",
        {"probabilities": "nearly, after training; not before"},
    ),
    ("two hidden layers of 16 nodes make it better", "2 8", "hidden layers"),
    ("step 1: the weights are random at first", "2", "random weights"),
    ("step 2: the first image, the forward pass", "3", "done"),
    ("step 2: the first results are very poor", "3", "poor at first"),
    ("step 3: compare with the true value", "4", "done"),
    ("step 3: it shows which results should rise, and which fall", "4", "rise or fall"),
    ("step 3: there are several loss functions", "4", "done, with two of them"),
    ("step 4: the layer before", "5", "done"),
    (
        "step 4: nodes that push the right way are strengthened, others weakened",
        "5",
        {"units strengthened": "holds, by their own weights"},
    ),
    (
        "step 4: and so are their connections to the outputs",
        "5",
        "weights strengthened",
    ),
    ("step 5: back to the first layer, the reverse pass", "6", "reverse pass"),
    ("step 6: all images; the average of the changes", "7", "average"),
    ("step 6: only then the nudge", "7", "nudge"),
    ("many times over", "8", "done"),
    (
        "in the end the changes to the weights are minor",
        "8",
        {
            "changes become minor": "holds with all images; with batches, relative to the weights"
        },
    ),
    (
        "the network is well trained then",
        "8",
        {"well trained then": "on its own images; small changes alone are no proof"},
    ),
    "Stochastic gradient descent",
    ("with all images it takes long", "claims", "slow with all images"),
    ("a random sample, the mini-batch", "batches", "batches"),
    ("the next batch meets updated weights", "batches", "done"),
    (
        "not as effective right away as all images",
        "claims",
        "not as effective right away",
    ),
    ("and there faster", "claims", "less time"),
    (
        "all images: a perfect descent, but slow",
        "claims ball",
        {"slow with all images": "holds; not arrived within this time"},
    ),
    (
        "fewer images: off the perfect direction, as a ball bounces downhill",
        "ball",
        "not the perfect direction",
    ),
    ("fewer images: faster steps", "claims", "faster steps"),
    (
        "random samples, steps that seem random: stochastic gradient descent",
        "9",
        "done",
    ),
    "The math",
    ("$a_j^{(L)}$, the superscript counts layers", "10", "done"),
    ("four layers of depth one", "10", "done"),
    (
        r"$C = (a^{(L)} - y)^2$, $a^{(L)} = \sigma(z^{(L)})$, $z^{(L)} = w^{(L)} a^{(L-1)} + b^{(L)}$",
        "formulas",
        "definitions",
    ),
    (
        r"$\frac{\partial C}{\partial w^{(L)}}$ is a product of three factors",
        "formulas",
        "chain rule",
    ),
    (
        r"$\partial C/\partial a^{(L)} = 2 (a^{(L)} - y)$",
        "formulas",
        "dC/da = 2 (a - y)",
    ),
    (
        r"$\partial a^{(L)}/\partial z^{(L)} = \sigma'(z^{(L)})$",
        "formulas",
        "da/dz = s'(z)",
    ),
    (r"$\partial z^{(L)}/\partial w^{(L)} = a^{(L)}$", "formulas 13", "dz/dw = a(L)"),
    (
        r"$\partial C/\partial w^{(L)} = 2 (a^{(L)} - y) \sigma'(z^{(L)}) a^{(L)}$",
        "formulas 11 13",
        "dC/dw = 2 (a - y) s'(z) a(L)",
    ),
    (r"$\partial z^{(L)}/\partial b^{(L)} = 1$", "formulas", "dz/db = 1"),
    (
        r"$\partial C/\partial b^{(L)} = 2 (a^{(L)} - y) \sigma'(z^{(L)})$",
        "formulas",
        "dC/db = 2 (a - y) s'(z)",
    ),
    (r"$\partial z^{(L)}/\partial a^{(L-1)} = w^{(L)}$", "formulas", "dz/da(L-1) = w"),
    (
        r"$\partial C/\partial a^{(L-1)} = 2 (a^{(L)} - y) \sigma'(z^{(L)}) w^{(L)}$",
        "formulas",
        "dC/da(L-1) = 2 (a - y) s'(z) w",
    ),
    ("the same for every layer", "layers", "all layers"),
    (r"the total gradient $\nabla C$", "12", "total gradient"),
    ("gradient descent with it", "descent", "gradient descent"),
    ("$j$ for layer $L$, $k$ for layer $L-1$", "11", "done"),
    (
        r"$C = \sum_{j=0}^{n_L-1} = (a_j^{(L)} - y_j)^2$",
        "11 13",
        {"cost, many units": "**misprint**, a sign too many; without it, holds"},
    ),
    (
        r"$\partial C/\partial w_{jk}^{(L)}$ is a product of three factors",
        "11",
        "weight, many units",
    ),
    (
        r"$\partial C/\partial a_k^{(L)}$ is a sum over $j$",
        "11 13",
        {
            "activation, many units": r"**misprint** on the left; for $\partial C/\partial a_k^{(L-1)}$, holds"
        },
    ),
]
