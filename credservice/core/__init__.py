"""Holds small tools that know no model."""
