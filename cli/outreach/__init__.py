"""Commands for what reaches customers: actions, tasks, templates, outreach settings, webhooks."""
