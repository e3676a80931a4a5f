"""PostgreSQL through SQLAlchemy Core on asyncpg. The only package that knows SQL."""
