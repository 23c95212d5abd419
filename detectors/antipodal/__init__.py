"""Antipodal pairs from depth edges, ranked geometrically."""
