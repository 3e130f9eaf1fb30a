"""How a command is named in the trail: by itself, and by who ran it."""

import os
import pwd


def command_actor(name: str) -> str:
    """``command:NAME:USER`` of the command of that name, as this process runs it.

    The user is the system's, not the environment's, which anybody sets; a number where the system has no name for it,
    as in a container that runs under a made-up one.
    """
    uid = os.getuid()
    try:
        return f"command:{name}:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"command:{name}:{uid}"
