"""The pages of tasks: of a project, and, for staff, of all."""
