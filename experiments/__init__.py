"""Experiments: questions about backpropagation that a run answers, each a module with a command line."""
