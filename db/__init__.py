"""The only room with SQL: schema, migrations, tenant scope, writes and reads."""
