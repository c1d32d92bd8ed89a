"""The supervisor and the processes it keeps."""
