"""The cases themselves, a file a corpus."""
