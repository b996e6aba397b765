"""Keras callbacks. Those with a method `on_gradients(record)` are also shown every gradient of every step.

record             what such a method receives
gradient_check     holds each gradient against the manual backpropagation
finite_cost        stops a run whose cost is no longer a number
ctrl_c             ends a run on Ctrl-C between two steps
progress           the bar and the table of epochs in the terminal
tensorboard_log    scalars for TensorBoard
"""
