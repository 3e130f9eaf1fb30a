"""Plays the marketplace's connector: tokens, resources, callbacks (Connector API)."""

from provisioning.checker.connector.connector import Connector
from provisioning.checker.connector.server import PortTaken
from provisioning.checker.connector.tokens import Client

__all__ = ["Client", "Connector", "PortTaken"]
