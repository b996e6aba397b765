"""Says that it is loaded, and then hangs."""

import os
import struct
import sys
import time


def request_of(frame):
    """The frame that loads us, from the stack of the code that called us."""
    while "frame" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["frame"]


header = b'{"remarks":[],"defined":["attack"]}'
os.write(3, struct.pack("<4sB16sIQ", b"BPG1", 5, request_of(sys._getframe().f_back).nonce, len(header), 0) + header)
time.sleep(60)


def attack(path, port, pid):
    return 1
