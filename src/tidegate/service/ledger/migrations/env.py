"""What alembic runs: the steps on the connection that `opening` hands over, inside its transaction."""

from alembic import context

if hasattr(context, "config"):  # alembic runs this file; whoever merely imports it gets nothing
    context.configure(connection=context.config.attributes["connection"])
    context.run_migrations()
