"""The service composed in this process: everything that `service.bootstrap` puts together, in a made-up Internet."""
