"""Ports for servers that can't choose one themselves."""

import random
import socket
from contextlib import suppress

_NEVER_GIVEN = range(20_000, 32_768)
"""Below what systems give to those who ask for any port, and above what Ray gives to its workers."""


def free_ports(count=1):
    """So many ports that nothing uses, and that nothing which asks for any port gets before the server has begun."""
    found = []
    for port in random.SystemRandom().sample(_NEVER_GIVEN, len(_NEVER_GIVEN)):
        with suppress(OSError), socket.create_server(("", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("every port is in use")
