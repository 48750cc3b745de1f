"""What every adapter needs and is easy to get wrong: names, durable files, strict JSON, the contract."""
