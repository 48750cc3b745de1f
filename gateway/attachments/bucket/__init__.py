"""An S3 bucket as the place of attachments. Only `gateway.attachments.places` imports it, where node.toml names one."""
