"""How dates are written: see the settings FORMAT_MODULE_PATH."""
