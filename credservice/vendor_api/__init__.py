"""Builds the routes of the vendor API: tokens, scopes, paging, ETags, problem documents. Knows no room."""
