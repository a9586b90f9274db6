"""The pages: what people see of the ledger in a browser."""
