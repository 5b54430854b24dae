#include "daemon/odbc.h"

#include "base/digest.h"

#include <sql.h>
#include <sqlext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 512
#define NAME_BYTES 129
#define PIECE_BYTES 8192
#define CONNECTION_BYTES 4096

struct bd_odbc {
	SQLHENV environment;
	SQLHDBC connection;
	SQLHSTMT query, change;
	bool is_connected, is_prepared;
	size_t columns;
	char names[COLUMNS_MAX][NAME_BYTES];
};

/* -- what went wrong -- */

static const struct {
	const char *state; /* its beginning */
	enum bd_code code;
} states[] = {
	{ "HYT", BD_CONNECT_TIMEOUT },
	{ "57014", BD_CONNECT_TIMEOUT }, /* PostgreSQL: cancelled for its time */
	{ "S1T00", BD_CONNECT_TIMEOUT }, { "28", BD_DATABASE_LOGIN }, { "08001", BD_CONNECT },
	{ "08004", BD_CONNECT }, { "IM", BD_CONNECT },
	{ "01000", BD_CONNECT }, /* the driver manager: the driver cannot be loaded */
	{ "08", BD_CONNECT_BROKEN }, { "57P", BD_CONNECT_BROKEN }, /* PostgreSQL: it is shut down */
};

/* Only its state: the text may hold a value of a row. */
static enum bd_code fail(struct bd_diag *diag, SQLSMALLINT type, SQLHANDLE handle, const char *what)
{
	SQLCHAR state[6] = "", text[512] = "";
	SQLINTEGER native = 0;
	SQLSMALLINT len = 0;
	enum bd_code code = BD_DATABASE_QUERY;

	SQLGetDiagRec(type, handle, 1, state, &native, text, sizeof(text), &len);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strncmp((const char *)state, states[i].state, strlen(states[i].state)) == 0) {
			code = states[i].code;
			break;
		}
	}
	/* psqlodbc says 08001 of a wrong password as well. */
	if (code == BD_CONNECT && strstr((const char *)text, "password authentication") != NULL) {
		code = BD_DATABASE_LOGIN;
	}
	return bd_fail(diag, code, "%s: SQLSTATE %s", what, (const char *)state);
}

static bool is_good(SQLRETURN result)
{
	return result == SQL_SUCCESS || result == SQL_SUCCESS_WITH_INFO;
}

/* -- the connection -- */

static enum bd_code connect_it(struct bd_odbc *odbc, const char *connection, const char *user,
	const char *password, unsigned connect_s, struct bd_diag *diag)
{
	char text[CONNECTION_BYTES];
	SQLRETURN result;
	/* Braces only where they are needed: not every driver takes them. */
	const char *form =
		strpbrk(password, ";{}[]()=") != NULL ? "%s%sUID=%s;PWD={%s}" : "%s%sUID=%s;PWD=%s";
	int len = snprintf(text, sizeof(text), form, connection,
		connection[0] != '\0' && connection[strlen(connection) - 1] != ';' ? ";" : "", user,
		password);

	if (len < 0 || (size_t)len >= sizeof(text)) {
		return bd_fail(diag, BD_CONFIG_MEANING, "the connection is too long");
	}
	SQLSetConnectAttr(odbc->connection, SQL_ATTR_LOGIN_TIMEOUT,
		(SQLPOINTER)(uintptr_t)connect_s, SQL_IS_UINTEGER);
	result = SQLDriverConnect(odbc->connection, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL,
		SQL_DRIVER_NOPROMPT);
	bd_wipe(text, sizeof(text));
	if (!is_good(result)) {
		return fail(diag, SQL_HANDLE_DBC, odbc->connection, "connect");
	}
	odbc->is_connected = true;
	result = SQLSetConnectAttr(odbc->connection, SQL_ATTR_AUTOCOMMIT,
		(SQLPOINTER)SQL_AUTOCOMMIT_OFF, SQL_IS_UINTEGER);
	return is_good(result) ? BD_OK : fail(diag, SQL_HANDLE_DBC, odbc->connection, "connect");
}

enum bd_code bd_odbc_open(struct bd_odbc **out, const char *connection, const char *user,
	const char *password, unsigned connect_s, struct bd_diag *diag)
{
	struct bd_odbc *odbc = calloc(1, sizeof(*odbc));
	enum bd_code code = BD_OK;

	if (odbc == NULL ||
		!is_good(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &odbc->environment)) ||
		!is_good(SQLSetEnvAttr(
			odbc->environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0)) ||
		!is_good(SQLAllocHandle(SQL_HANDLE_DBC, odbc->environment, &odbc->connection))) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	code = code == BD_OK ? connect_it(odbc, connection, user, password, connect_s, diag) : code;
	if (code == BD_OK &&
		(!is_good(SQLAllocHandle(SQL_HANDLE_STMT, odbc->connection, &odbc->query)) ||
			!is_good(SQLAllocHandle(
				SQL_HANDLE_STMT, odbc->connection, &odbc->change)))) {
		code = fail(diag, SQL_HANDLE_DBC, odbc->connection, "statement");
	}
	if (code != BD_OK) {
		bd_odbc_close(odbc);
		return code;
	}
	*out = odbc;
	return BD_OK;
}

void bd_odbc_close(struct bd_odbc *odbc)
{
	if (odbc == NULL) {
		return;
	}
	if (odbc->query != NULL) {
		SQLFreeHandle(SQL_HANDLE_STMT, odbc->query);
	}
	if (odbc->change != NULL) {
		SQLFreeHandle(SQL_HANDLE_STMT, odbc->change);
	}
	if (odbc->is_connected) {
		SQLEndTran(SQL_HANDLE_DBC, odbc->connection, SQL_ROLLBACK);
		SQLDisconnect(odbc->connection);
	}
	if (odbc->connection != NULL) {
		SQLFreeHandle(SQL_HANDLE_DBC, odbc->connection);
	}
	if (odbc->environment != NULL) {
		SQLFreeHandle(SQL_HANDLE_ENV, odbc->environment);
	}
	free(odbc);
}

/* -- the query -- */

static SQLRETURN bind(SQLHSTMT statement, SQLUSMALLINT number, const char *text)
{
	SQLULEN size = strlen(text) > 0 ? strlen(text) : 1;

	return SQLBindParameter(statement, number, SQL_PARAM_INPUT, SQL_C_CHAR, SQL_VARCHAR, size,
		0, (SQLPOINTER)text, 0, NULL);
}

static enum bd_code describe(struct bd_odbc *odbc, struct bd_diag *diag)
{
	SQLSMALLINT count = 0, len = 0;

	if (!is_good(SQLNumResultCols(odbc->query, &count))) {
		return fail(diag, SQL_HANDLE_STMT, odbc->query, "columns");
	}
	if (count <= 0 || count > COLUMNS_MAX) {
		return bd_fail(diag, BD_DATABASE_COLUMNS, "%d columns", (int)count);
	}
	odbc->columns = (size_t)count;
	for (SQLUSMALLINT i = 1; i <= (SQLUSMALLINT)count; i++) {
		if (!is_good(SQLColAttribute(odbc->query, i, SQL_DESC_LABEL, odbc->names[i - 1],
			    NAME_BYTES, &len, NULL))) {
			return fail(diag, SQL_HANDLE_STMT, odbc->query, "columns");
		}
	}
	return BD_OK;
}

enum bd_code bd_odbc_select(struct bd_odbc *odbc, const char *sql, const char *const *parameters,
	size_t count, unsigned timeout_s, struct bd_diag *diag)
{
	SQLRETURN result;

	SQLSetStmtAttr(odbc->query, SQL_ATTR_QUERY_TIMEOUT, (SQLPOINTER)(uintptr_t)timeout_s,
		SQL_IS_UINTEGER);
	for (size_t i = 0; i < count; i++) {
		if (!is_good(bind(odbc->query, (SQLUSMALLINT)(i + 1), parameters[i]))) {
			return fail(diag, SQL_HANDLE_STMT, odbc->query, "parameter");
		}
	}
	result = SQLExecDirect(odbc->query, (SQLCHAR *)sql, SQL_NTS);
	return is_good(result) ? describe(odbc, diag)
			       : fail(diag, SQL_HANDLE_STMT, odbc->query, "select");
}

size_t bd_odbc_columns(const struct bd_odbc *odbc)
{
	return odbc->columns;
}

const char *bd_odbc_column(const struct bd_odbc *odbc, size_t at)
{
	return odbc->names[at];
}

enum bd_code bd_odbc_next(bool *has, struct bd_odbc *odbc, struct bd_diag *diag)
{
	SQLRETURN result = SQLFetch(odbc->query);

	*has = is_good(result);
	return *has || result == SQL_NO_DATA ? BD_OK
					     : fail(diag, SQL_HANDLE_STMT, odbc->query, "fetch");
}

/* In pieces: how long a value is drivers say in different ways, where it ends they agree. */
enum bd_code bd_odbc_value(
	struct bd_buf *out, bool *is_null, struct bd_odbc *odbc, size_t at, struct bd_diag *diag)
{
	char piece[PIECE_BYTES];
	SQLRETURN result = SQL_SUCCESS_WITH_INFO;

	*is_null = false;
	while (result == SQL_SUCCESS_WITH_INFO) {
		SQLLEN len = 0;
		enum bd_code code;

		result = SQLGetData(odbc->query, (SQLUSMALLINT)(at + 1), SQL_C_CHAR, piece,
			sizeof(piece), &len);
		if (result == SQL_NO_DATA) {
			return BD_OK;
		}
		if (!is_good(result)) {
			return fail(diag, SQL_HANDLE_STMT, odbc->query, "value");
		}
		if (len == SQL_NULL_DATA) {
			*is_null = true;
			return BD_OK;
		}
		code = bd_buf_add(out,
			(struct bd_bytes){ piece, len >= 0 && (size_t)len < sizeof(piece)
							  ? (size_t)len
							  : strnlen(piece, sizeof(piece) - 1) });
		if (code != BD_OK) {
			return bd_fail(diag, code, "a value of a row");
		}
	}
	return BD_OK;
}

/* -- afterwards -- */

enum bd_code bd_odbc_do(struct bd_odbc *odbc, const char *sql, const char *parameter,
	unsigned timeout_s, struct bd_diag *diag)
{
	SQLRETURN result;

	SQLFreeStmt(odbc->query, SQL_CLOSE);
	if (!odbc->is_prepared) {
		SQLSetStmtAttr(odbc->change, SQL_ATTR_QUERY_TIMEOUT,
			(SQLPOINTER)(uintptr_t)timeout_s, SQL_IS_UINTEGER);
		if (!is_good(SQLPrepare(odbc->change, (SQLCHAR *)sql, SQL_NTS))) {
			return fail(diag, SQL_HANDLE_STMT, odbc->change, "consumed");
		}
		odbc->is_prepared = true;
	}
	if (!is_good(bind(odbc->change, 1, parameter))) {
		return fail(diag, SQL_HANDLE_STMT, odbc->change, "consumed");
	}
	result = SQLExecute(odbc->change);
	return is_good(result) || result == SQL_NO_DATA
		       ? BD_OK
		       : fail(diag, SQL_HANDLE_STMT, odbc->change, "consumed");
}

enum bd_code bd_odbc_commit(struct bd_odbc *odbc, struct bd_diag *diag)
{
	return is_good(SQLEndTran(SQL_HANDLE_DBC, odbc->connection, SQL_COMMIT))
		       ? BD_OK
		       : fail(diag, SQL_HANDLE_DBC, odbc->connection, "commit");
}
