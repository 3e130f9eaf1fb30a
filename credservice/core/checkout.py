"""Tells a checkout from an installed package: where state is kept, and how commands are typed and started."""

import sys
import sysconfig
from pathlib import Path

_SCRIPTS = Path(sysconfig.get_path("scripts"))
_ROOT = Path(__file__).resolve().parents[2]
IS_CHECKOUT = (_ROOT / "manage.py").is_file()
# What `var/` is in. A package has no folder of its own that anybody may write: the current one.
HOME = _ROOT if IS_CHECKOUT else Path.cwd()
# As texts name it.
COMMAND = ".venv/bin/python manage.py" if IS_CHECKOUT else "credservice"
# The web server. By gunicorn's script, not by `-m`: on USR2 it starts anew what stands in sys.argv, and as a script
# its __main__.py finds its own modules in the place of the standard library's.
SERVER = (sys.executable, str(_SCRIPTS / "gunicorn"), "-c", "python:credservice.gunicorn", "credservice.wsgi")


def typed_command() -> str:
    """Return the command as a shell in HOME finds it, also where no environment is activated."""
    script = _SCRIPTS / "credservice"
    if IS_CHECKOUT:
        return COMMAND
    return str(script.relative_to(HOME) if script.is_relative_to(HOME) else script)
