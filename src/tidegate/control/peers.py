"""Who is at the other end of a Unix socket: what the kernel says, not what the peer says of itself."""

import os
import pwd
import socket
import struct
import sys
from typing import Final, Protocol

_LINUX: Final = struct.Struct("3i")  # ucred: pid, uid, gid
_MAC_LEVEL: Final = 0  # SOL_LOCAL
_MAC_OPTION: Final = 1  # LOCAL_PEERCRED
_MAC: Final = struct.Struct("IIh16I")  # xucred: version, uid, number of groups, groups


class Socket(Protocol):
    """What is asked of a socket here: event loops hand out stand-ins of their own."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes:
        """Return a socket option's bytes."""


def peer_uid(peer: Socket) -> int:
    """Return the user id of the process at the other end, as it was when it connected.

    Raises:
        OSError: the system does not tell.
    """
    if sys.platform == "darwin":
        return int(_MAC.unpack(peer.getsockopt(_MAC_LEVEL, _MAC_OPTION, _MAC.size))[1])
    return int(_LINUX.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX.size))[1])


def may_ask(uid: int) -> bool:
    """Tell whether a user may talk to a trader of ours: the same user, and root."""
    return uid in {os.geteuid(), 0}


def own_name() -> str:
    """Return the name of the user that this process runs as."""
    return user_name(os.geteuid())


def user_name(uid: int) -> str:
    """Return a user's name for the record; of one without a name, the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
