"""Of a log only what needs attention is shown."""

import pytest

from credservice.devserver.terminal import AttentionTail, step


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "server.log"
    path.write_text("2026-01-01T00:00:00Z [error    ] of an earlier run\n")
    return path


@pytest.fixture
def tail(log):
    return AttentionTail(log, log.stat().st_size)


def _append(path, text):
    with path.open("a") as file:
        file.write(text)


def test_it_shows_warnings_and_errors_with_what_belongs_to_them(log, tail, capsys):
    shown = (
        "2026-01-01T00:00:01Z [warning  ] late\n[2026-01-01 00:00:02 +0000] [7] [ERROR] broken\nTraceback:\n  here\n"
    )
    _append(
        log, "2026-01-01T00:00:00Z [info     ] fine\n" + shown + "2026-01-01T00:00:03Z [info     ] [error] is text\n"
    )
    tail.show_new()
    assert capsys.readouterr().err == shown


def test_it_shows_each_line_once(log, tail, capsys):
    _append(log, "2026-01-01T00:00:01Z [warning  ] late\n")
    tail.show_new()
    tail.show_new()
    assert capsys.readouterr().err.count("late") == 1


def test_it_waits_for_the_end_of_a_line(log, tail, capsys):
    _append(log, "2026-01-01T00:00:01Z [warn")
    tail.show_new()
    assert capsys.readouterr().err == ""
    _append(log, "ing  ] late\n")
    tail.show_new()
    assert "late" in capsys.readouterr().err


def test_a_step_that_fails_gets_no_tick(capsys):
    with pytest.raises(ValueError, match="no"), step("Tables"):
        raise ValueError("no")
    assert "✓" not in capsys.readouterr().out
