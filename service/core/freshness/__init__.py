"""When evidence may be used, until when, and when to look for newer."""
