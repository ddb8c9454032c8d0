"""The desk for programs: the same services, rules, rights and sentences as the pages, as JSON."""
