"""The two procedures of the node, pure and numbered, and what follows from them.

outbound   draft to sealed envelope             inbound   bytes to accepted message
answers    answers and receipts of a link       evidence  the bundle: `build`, `verify`; with bundle (its steps),
                                                          logged (the log in it), proof (values), testimony
                                                          (words), report (the result)
"""
