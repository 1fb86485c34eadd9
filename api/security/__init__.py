"""Authentication, scopes, cookies, rate limits and body limits."""
