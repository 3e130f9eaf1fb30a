"""Names who ran a command in the trail."""

import os
import pwd

from credservice.audit.names import command_actor


def test_a_command_is_named_with_the_systems_user_that_runs_it(monkeypatch):
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert command_actor("apply") == f"command:apply:{pwd.getpwuid(os.getuid()).pw_name}"


def test_a_user_whom_the_system_does_not_name_is_a_number(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 4_123_456_789)
    assert command_actor("apply") == "command:apply:4123456789"
