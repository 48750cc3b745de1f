"""The two procedures of the node, pure and numbered, and what follows from them: answers, receipts, evidence.

outbound  draft to sealed envelope        inbound   bytes to accepted message        answers   receipts and answers
evidence  the bundle (`build`, `verify`)  bundle    its steps                        proof, testimony   values, words
"""
