"""Puts the operators' site together: sign-in, sidebar, dashboard, search, roles, and pages of no other room."""
