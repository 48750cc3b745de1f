"""What makes a message dearer: a long conversation, many peers, a backlog, a slow disk; and what an upgrade costs."""
