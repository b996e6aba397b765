"""Experiments: what the lecture claims, measured, and what mistakes do to a training. Each is a command:

batch_sizes        gradient descent against mini-batches (curves, measuring, claims)
cost_surface       the ball that bounces down the mountain (slices)
it_trains_anyway   every mistake of the catalogue (wrong_training, workers, wrong_run, wrong_outcomes, wrong_figure)
"""
