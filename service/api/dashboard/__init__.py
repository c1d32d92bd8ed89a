"""The page that operators look at in a browser: files that are served as they are, and how they are served."""
