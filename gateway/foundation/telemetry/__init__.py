"""What a running node tells those who look after it, without a word of a case: ids of requests, durations."""
