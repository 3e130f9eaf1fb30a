"""Answers the vendor API about resources, their credentials and their usage."""
