"""Commands for companies, their API keys and their staff."""
