"""The admin site and the classes that every room's admin.py builds on."""
