"""Revet: is this client certificate still good, right now?"""
