"""Holds one module for each command, named as it is called."""
