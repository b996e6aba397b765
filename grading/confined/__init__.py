"""The untrusted side of the sandbox: what runs in the submission's process, and the frames that cross.

frames            the protocol, for both sides
confine           what a process gives up: files, network, processes
worker            the fork-server, whose children confine themselves
runner            in the child: loads the submission, answers calls
submission_code   from a file or notebook to code

NumPy and the standard library only. None of this can reach an answer.
"""
