"""Sends a shop what no client would, and judges every answer by what all of them must be."""
