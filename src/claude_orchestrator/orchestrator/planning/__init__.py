"""From a goal to a plan: the map of the repository, questions, drafts, reviews, estimates, drift."""
