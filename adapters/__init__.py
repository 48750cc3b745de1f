"""How a country's system is reached: one folder per kind of local system, each a `gateway.ports.Adapter`."""
