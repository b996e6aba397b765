"""The TensorBoard tab "Backprop check": the tape's gradients beside those of a manual backpropagation, step by step.

format     what a run writes for the tab, and how it is read back
reading    reads runs through TensorBoard, and holds the last one
verdict    whether a gradient agrees with the tape's
chain_rule the chain rule of one weight, and where it breaks
plugin     the server's side: it answers the page's requests
static/    the page, in plain JavaScript

`pip install` of the folder above is all that TensorBoard needs to find it.
"""
