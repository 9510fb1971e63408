"""How a computation is improved: passes over graphs, from graphs to programs, and over programs."""
