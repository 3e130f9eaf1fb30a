"""The fixtures of a sealed log."""

from tests.support.audit_chain import chain

__all__ = ["chain"]
