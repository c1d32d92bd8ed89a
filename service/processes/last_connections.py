"""Letting nobody connect any more, so that the listening socket can be closed without resetting anybody.

Between a server's last look at the queue and the close there is an instant, and who connects in it believes that he is
connected, sends his request, and is reset. So first the kernel is told to pass over attempts to connect (Linux: a
filter on the socket, which every process that listens at it shares: this is for the end of all of them, and for nobody
who ends alone). Handshakes under way come to their end and are accepted; who is passed over has sent nothing, tries
again after a second, and is refused then.

Elsewhere, or where filters are not allowed, the instant remains.
"""

import contextlib
import ctypes
import socket
import struct
import sys
from typing import Final

HANDSHAKE_S: Final = 0.05
"""Seconds for handshakes that are under way: many times what the way through a data centre takes."""

_SO_ATTACH_FILTER: Final = 26
"""asm-generic/socket.h."""

_FLAGS_AT: Final = 13
"""Octet of the flags in a TCP header (RFC 9293 §3.1), with which what a filter of a TCP socket sees begins."""
_SYN, _ACK = 0x02, 0x10

# linux/filter.h, linux/bpf_common.h: code, jump if true, jump if false, operand.
_LOAD_OCTET, _AND, _JUMP_IF_EQUAL, _RETURN = 0x30, 0x54, 0x15, 0x06
_ALL_OF_IT: Final = 0xFFFFFFFF
_INSTRUCTIONS: Final = (
    (_LOAD_OCTET, 0, 0, _FLAGS_AT),
    (_AND, 0, 0, _SYN | _ACK),
    (_JUMP_IF_EQUAL, 0, 1, _SYN),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _ALL_OF_IT),
)


def let_nobody_connect(listening: socket.socket) -> None:
    """Pass over attempts to connect from now on, in every process that listens; `HANDSHAKE_S` later nobody comes."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _INSTRUCTIONS))
    # struct sock_fprog: how many instructions, and where they are.
    described = struct.pack("HP", len(_INSTRUCTIONS), ctypes.addressof(program))
    with contextlib.suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
