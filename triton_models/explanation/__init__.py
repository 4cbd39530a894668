"""Which tokens an answer hangs on."""
