"""Takes requests in and sends them out, safely."""
