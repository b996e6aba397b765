"""Says a second time how it is confined."""

import os
import struct
import sys


def request_of(frame):
    """The frame that loads us, from the stack of the code that called us."""
    while "frame" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["frame"]


header = b'{"layers":{"seccomp":false}}'
os.write(3, struct.pack("<4sB16sIQ", b"BPG1", 4, request_of(sys._getframe().f_back).nonce, len(header), 0) + header)


def attack(path, port, pid):
    return 1
