"""Who is speaking: the one place that touches primitives (suite `nrm1`, PROTOCOL A2, B1, B2, B3, B5, B12a)."""
