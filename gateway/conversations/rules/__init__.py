"""What two sides have said to each other, what it means, and who owes what (pure).

facts      what counts of a message, and where it stands in a body
order      the one order in which both sides read the messages
machines   enquiry, referral and standing conversations as tables
crossing   which of two crossing messages counts
clocks     from the name of a clock to a deadline of one side
situation, silence, referral, enquiry, standing   what a message, and what no message, does
fold       state, overlays and outcomes; whether one more message is possible
around     a conversation as one side finds it when one more message is judged
duties     who owes what until when; the morning list
"""
