"""Holds the commands of the provisioning door."""
