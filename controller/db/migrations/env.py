"""Alembic's entry: one connection, one transaction, SQLite altered in batches."""

from alembic import context
from sqlalchemy import create_engine

from controller.db.tables import Base

url = context.config.get_main_option("sqlalchemy.url") or ""
engine = create_engine(url)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        user_module_prefix="base.",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
