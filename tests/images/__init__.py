"""The images, built and entered without a daemon: Dockerfiles, what is in them, and that they run as they should."""
