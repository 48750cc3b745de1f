"""The parts of an adapter that are easy to get wrong: names, durable files, strict JSON, and the contract as checks."""
