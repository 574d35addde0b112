"""Owns the shape of what goes in and out; whether it is true is not a schema's business."""
