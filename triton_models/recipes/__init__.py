"""How the starter models are made, and the text written for it."""
