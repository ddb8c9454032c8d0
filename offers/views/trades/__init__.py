"""What the desks of both sides share: rows and chips, charts, filters, timelines, drafts."""
