"""The pages, one module for each section: handlers, and the rows of the table that `gateway.console.app` joins."""
