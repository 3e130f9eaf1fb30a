"""Answers the vendor API's calls about platforms, end users, installations and grants."""
