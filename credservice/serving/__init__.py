"""Serves HTTP/1.1: bytes of clients in, calls of the WSGI application, answers out. No slow client holds a thread."""
