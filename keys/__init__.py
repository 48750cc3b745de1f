"""Who is speaking: the one place that touches primitives (suite `nrm1`; nrm1 13.8)."""
