"""Evidence combined under a policy: the step function assess."""
