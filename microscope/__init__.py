"""One weight under the microscope: each factor of its chain rule as a number, and its gradient derived in several ways.

weight     the factors, the paths, the derivations: NumPy and `backprop` only
loading    a finished run's folder: configuration, network, data
report     what is printed
"""
