"""A small correct provider over real HTTP, with faults that can be switched on one by one."""

from tests.provisioning.checker.reference.server import serving

__all__ = ["serving"]
