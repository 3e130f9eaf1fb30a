"""Speaks Open Service Broker 2.17: a platform asks for everything, and polls what takes long."""

PROTOCOL = "osb"  # its name among all
