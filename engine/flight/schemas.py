"""The Arrow schemas that clients of others are told: of tables and of queries, as DuckDB gives them."""

import duckdb
import pyarrow as pa

from shoal.executor.carrier import empty_select
from shoal.executor.kernel_errors import translate_error
from shoal.flight.sessions import ClientSession
from shoal.planner.source import Field
from shoal.running import Running
from shoal.scratch import Scratch


class Schemas:
    """Owns a scratch connection, made when it is needed. Thread-safe."""

    def __init__(self) -> None:
        self._scratch: Scratch | None = None

    def of_columns(self, columns: tuple[Field, ...]) -> pa.Schema:
        """The schema of columns of these DuckDB types."""
        if self._scratch is None:
            self._scratch = Scratch()
        cursor = self._scratch.cursor()
        try:
            numbered = tuple(Field(f"column{index}", column.type) for index, column in enumerate(columns))
            schema = cursor.sql(empty_select(numbered)).to_arrow_table().schema
        except (duckdb.Error, RuntimeError) as error:
            raise translate_error(error) from error
        finally:
            cursor.close()
        return pa.schema([field.with_name(column.name) for field, column in zip(schema, columns, strict=True)])

    def of_query(self, session: ClientSession, sql: str) -> pa.Schema:
        """The schema of a query's result, which is bound but not run; raises its error."""
        described = session.session.execute(f"DESCRIBE\n{sql}", (), Running())
        assert described is not None
        rows = described.all_rows()
        described.close()
        return self.of_columns(tuple(Field(name, type_) for name, type_, *_ in rows))

    def close(self) -> None:
        """Free the connection; idempotent."""
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            scratch.close()
