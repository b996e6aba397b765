"""Sends a header that is nested 30,000 deep."""

import os
import struct
import sys


def request_of(frame):
    """The frame that this call belongs to, from the stack of the code that called us."""
    while "request" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["request"]


def attack(path, port, pid):
    nonce = request_of(sys._getframe()).nonce
    header, payload = b"[" * 30_000, b""
    frame = struct.pack("<4sB16sIQ", b"BPG1", 6, nonce, len(header), len(payload)) + header + payload
    os.write(3, frame)
    return 1
