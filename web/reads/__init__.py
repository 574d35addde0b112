"""Answers to reads that are the same for everybody: made once a process, then served as bytes."""
