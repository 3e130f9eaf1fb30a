"""Does what the exchange is asked: one function for each act, whoever asks."""
