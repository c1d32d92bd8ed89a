"""Random public key infrastructures, before Revet and before others who judge certificates."""
