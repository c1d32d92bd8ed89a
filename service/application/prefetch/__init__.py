"""Keeping CRLs fresh before anybody asks for them: the inventory of sources, and who carries its plan out."""
