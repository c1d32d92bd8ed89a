"""The examples of `deploy/`, as they are: each proxy runs, in front of an application, and asks a real Revet."""
