"""Tests of the use cases: real parts where they run here, fakes of ports otherwise."""
