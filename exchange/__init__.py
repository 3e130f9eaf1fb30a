"""Answers an embedded-integration platform with its end users' credentials."""
