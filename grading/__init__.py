"""Grading student implementations of backpropagation: safely, tensor by tensor, and with the mistake's name."""
