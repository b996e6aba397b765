"""Keras callbacks. Those with a method `on_gradients(record)` are also shown every gradient of every step.

record             what such a method receives
gradient_check     holds each gradient against the manual backpropagation
finite_cost        stops a run whose cost is no longer a number
ctrl_c             ends a run on Ctrl-C between two steps
progress           the bar and the table of epochs in the terminal
tensorboard_log    what there is to see of a run, for TensorBoard; it is helped by
    cadence            which steps and epochs are logged
    event_file         files of events, and what an event can hold
    step_values        curves and histograms of single steps
    kept_steps         whole steps, for the tab "Backprop check"
    epoch_summary      pictures and the gradient report of an epoch
    pictures           how they are drawn
    projector          hidden activations, for the projector
    run_description    graph, hyperparameters, the layout of charts
"""
