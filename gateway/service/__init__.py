"""The loops that join the rooms: collect, submit, send, receive, hand over, keep house. All waiting and all deciding
to write happens here.
"""
