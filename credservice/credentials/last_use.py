"""When a key was last checked."""

from credservice.last_use import LastUses

_uses = LastUses("credentials_credential")
note, flush = _uses.note, _uses.flush
