"""What is known of the other nodes: descriptors, scope, links, split views."""
