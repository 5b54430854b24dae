/* odbc.h - a department's front-end database 前置库, as far as it is read here: one connection, one
 * query, its rows as text, and one statement for each row afterwards.
 *
 * Layer: daemon; the only file with unixODBC. The driver manager loads foreign code into whoever
 * calls it, so nobody does but bidui-database, a process of its own (database_main.c). Values come
 * as the driver makes characters of them (SQL_C_CHAR), in the encoding of its client. Failures:
 * BD_CONNECT, BD_CONNECT_BROKEN, BD_CONNECT_TIMEOUT, BD_DATABASE_LOGIN, BD_DATABASE_QUERY; the
 * diag's detail is the SQLSTATE alone, for a driver's own text may hold what stands in a row.
 */
#ifndef BD_DAEMON_ODBC_H
#define BD_DAEMON_ODBC_H

#include "base/bytes.h"
#include "base/diag.h"

struct bd_odbc;

/* connection: attributes of SQLDriverConnect, without user and password. */
enum bd_code bd_odbc_open(struct bd_odbc **out, const char *connection, const char *user,
	const char *password, unsigned connect_s, struct bd_diag *diag);
void bd_odbc_close(struct bd_odbc *odbc); /* NULL is allowed; what was not committed is void */
/* Parameters are bound as text, in their order. */
enum bd_code bd_odbc_select(struct bd_odbc *odbc, const char *sql, const char *const *parameters,
	size_t count, unsigned timeout_s, struct bd_diag *diag);
size_t bd_odbc_columns(const struct bd_odbc *odbc);
const char *bd_odbc_column(const struct bd_odbc *odbc, size_t at);
/* *has false: there are no more. */
enum bd_code bd_odbc_next(bool *has, struct bd_odbc *odbc, struct bd_diag *diag);
/* Appends a value of the row; columns in their order, each once. BD_LIMIT_BYTES. */
enum bd_code bd_odbc_value(
	struct bd_buf *out, bool *is_null, struct bd_odbc *odbc, size_t at, struct bd_diag *diag);
/* Another statement, once for each: prepared by the first. The query's rows are over. */
enum bd_code bd_odbc_do(struct bd_odbc *odbc, const char *sql, const char *parameter,
	unsigned timeout_s, struct bd_diag *diag);
enum bd_code bd_odbc_commit(struct bd_odbc *odbc, struct bd_diag *diag);

#endif
