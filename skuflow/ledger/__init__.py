"""Money: paid jobs, caps and budgets, in SQLite or Postgres."""
