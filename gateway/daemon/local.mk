pkglibexec_PROGRAMS += bidui-worker
bidui_worker_SOURCES = \
	gateway/daemon/confine.c gateway/daemon/confine.h \
	gateway/daemon/frame.c gateway/daemon/frame.h \
	gateway/daemon/landlock.c gateway/daemon/landlock.h \
	gateway/daemon/seccomp.c gateway/daemon/seccomp.h \
	gateway/daemon/worker_main.c
bidui_worker_CPPFLAGS = $(AM_CPPFLAGS)
bidui_worker_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
bidui_worker_LDFLAGS = $(LTO_LDFLAGS)
bidui_worker_LDADD = libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) $(SECCOMP_LIBS) -lunistring

pkglibexec_PROGRAMS += bidui-database
bidui_database_SOURCES = \
	gateway/daemon/database_main.c gateway/daemon/database_talk.c gateway/daemon/database_talk.h \
	gateway/daemon/landlock.c gateway/daemon/landlock.h \
	gateway/daemon/odbc.c gateway/daemon/odbc.h
bidui_database_CPPFLAGS = $(AM_CPPFLAGS)
bidui_database_LDADD = libbd_base.a $(CRYPTO_LIBS) $(ODBC_LIBS) $(ZLIB_LIBS) -lunistring

sbin_PROGRAMS += biduid
biduid_SOURCES = \
	gateway/daemon/access.c gateway/daemon/access.h \
	gateway/daemon/account.c \
	gateway/daemon/again.c gateway/daemon/again.h \
	gateway/daemon/alarms.c gateway/daemon/alarms.h gateway/daemon/alarms_write.c \
	gateway/daemon/approval.c gateway/daemon/approval.h \
	gateway/daemon/ask.c gateway/daemon/ask_lines.c gateway/daemon/ask_parts.h \
	gateway/daemon/asking.c gateway/daemon/asking.h \
	gateway/daemon/asker.c gateway/daemon/asker.h \
	gateway/daemon/audit.c gateway/daemon/audit.h \
	gateway/daemon/backtest.c gateway/daemon/backtest.h gateway/daemon/backtest_ask.c \
	gateway/daemon/board.c gateway/daemon/board.h \
	gateway/daemon/body.c gateway/daemon/body.h gateway/daemon/body_change.c gateway/daemon/body_obligation.c \
	gateway/daemon/body_upload.c \
	gateway/daemon/call.c gateway/daemon/call.h \
	gateway/daemon/change.c gateway/daemon/change.h gateway/daemon/change_ask.c \
	gateway/daemon/changes.c gateway/daemon/changes.h \
	gateway/daemon/credentials.c gateway/daemon/credentials.h \
	gateway/daemon/cursor.c gateway/daemon/cursor.h \
	gateway/daemon/document.c gateway/daemon/document.h \
	gateway/daemon/drift.c gateway/daemon/drift.h \
	gateway/daemon/drop_file.c gateway/daemon/drop_file.h gateway/daemon/drop_move.c gateway/daemon/drop_parts.h gateway/daemon/drop_receipt.c \
	gateway/daemon/drop_receipt.h gateway/daemon/drop_set.c gateway/daemon/drop_set.h \
	gateway/daemon/file_list.c gateway/daemon/file_list.h gateway/daemon/file_pull.c gateway/daemon/file_pull.h \
	gateway/daemon/endpoint.c gateway/daemon/endpoint.h \
	gateway/daemon/fence.c gateway/daemon/fence.h \
	gateway/daemon/folders.c gateway/daemon/folders.h gateway/daemon/folders_file.c \
	gateway/daemon/folders_parts.h gateway/daemon/folders_put.c gateway/daemon/folders_report.c \
	gateway/daemon/follow.c gateway/daemon/follow.h \
	gateway/daemon/database_batch.c gateway/daemon/database_batch.h \
	gateway/daemon/database_process.c gateway/daemon/database_process.h \
	gateway/daemon/databases.c gateway/daemon/databases.h \
	gateway/daemon/database_talk.c gateway/daemon/database_talk.h \
	gateway/daemon/disputes.c \
	gateway/daemon/erase.c \
	gateway/daemon/explain.c gateway/daemon/explain.h \
	gateway/daemon/frame.c gateway/daemon/frame.h \
	gateway/daemon/guard.c gateway/daemon/guard.h gateway/daemon/identify.c \
	gateway/daemon/identify.h gateway/daemon/imprint.c gateway/daemon/imprint.h \
	gateway/daemon/info.c gateway/daemon/keep.c gateway/daemon/keep.h gateway/daemon/message_keys.c \
	gateway/daemon/message_keys.h gateway/daemon/landlock.c gateway/daemon/landlock.h \
	gateway/daemon/sender_keys.c gateway/daemon/sender_keys.h \
	gateway/daemon/language.c gateway/daemon/language.h \
	gateway/daemon/login_ask.c gateway/daemon/login_ask.h gateway/daemon/login_header.c gateway/daemon/login_header.h \
	gateway/daemon/logins.c gateway/daemon/logins.h \
	gateway/daemon/later.c gateway/daemon/later.h \
	gateway/daemon/look.c gateway/daemon/look.h gateway/daemon/look_plan.c \
	gateway/daemon/lookups.c gateway/daemon/lookups.h gateway/daemon/lookups_flight.c gateway/daemon/lookups_parts.h \
	gateway/daemon/loop.c gateway/daemon/loop.h \
	gateway/daemon/mailbox.c gateway/daemon/mailbox.h \
	gateway/daemon/main.c gateway/daemon/main_parts.h \
	gateway/daemon/main_reload.c gateway/daemon/main_signal.c gateway/daemon/main_start.c \
	gateway/daemon/messages.c \
	gateway/daemon/obligation_ask.c \
	gateway/daemon/obligations.c gateway/daemon/obligations.h \
	gateway/daemon/openapi.c \
	gateway/daemon/opening.c gateway/daemon/opening.h \
	gateway/daemon/owed.c gateway/daemon/owed.h \
	gateway/daemon/nonces.c gateway/daemon/nonces.h \
	gateway/daemon/notify.c gateway/daemon/notify.h \
	gateway/daemon/platform.c gateway/daemon/platform.h gateway/daemon/pool.c gateway/daemon/pool.h gateway/daemon/pool_parts.h \
	gateway/daemon/pool_talk.c gateway/daemon/pool_worker.c \
	gateway/daemon/problem.c gateway/daemon/problem.h \
	gateway/daemon/proofs.c gateway/daemon/proofs.h \
	gateway/daemon/pull.c gateway/daemon/pull.h gateway/daemon/pull_progress.c gateway/daemon/pulling.c gateway/daemon/pulling.h \
	gateway/daemon/puller.c gateway/daemon/puller.h \
	gateway/daemon/push.c \
	gateway/daemon/question.c gateway/daemon/question.h \
	gateway/daemon/recall.c \
	gateway/daemon/quota.c gateway/daemon/quota.h \
	gateway/daemon/receipt.c gateway/daemon/receipt.h \
	gateway/daemon/repeats.c gateway/daemon/repeats.h \
	gateway/daemon/reply_to.c gateway/daemon/reply_to.h \
	gateway/daemon/reproduce.c \
	gateway/daemon/routes.c gateway/daemon/routes.h \
	gateway/daemon/sandbox.c gateway/daemon/sandbox.h \
	gateway/daemon/secret.c gateway/daemon/secret.h \
	gateway/daemon/set_aside.c gateway/daemon/set_aside.h \
	gateway/daemon/setup.c gateway/daemon/setup.h \
	gateway/daemon/share.c gateway/daemon/share.h \
	gateway/daemon/signature.c gateway/daemon/signature.h \
	gateway/daemon/signer.c gateway/daemon/signer.h \
	gateway/daemon/source_test.c gateway/daemon/sources_show.c gateway/daemon/sources_show.h \
	gateway/daemon/taking.c gateway/daemon/taking.h \
	gateway/daemon/taking_entry.c gateway/daemon/taking_parts.h \
	gateway/daemon/tickets.c gateway/daemon/tickets.h \
	gateway/daemon/totals.c gateway/daemon/totals.h \
	gateway/daemon/trial.c gateway/daemon/trial.h gateway/daemon/trial_database.c gateway/daemon/puller_parts.h \
	gateway/daemon/trail_ask.c gateway/daemon/trail_ask.h \
	gateway/daemon/trail_subjects.c \
	gateway/daemon/ready.c \
	gateway/daemon/refused.c gateway/daemon/refused.h \
	gateway/daemon/trail_witness.c gateway/daemon/witness.c gateway/daemon/witness.h \
	gateway/daemon/witness_file.c gateway/daemon/witness_file.h \
	gateway/daemon/upload_ask.c gateway/daemon/upload_call.c gateway/daemon/upload_call.h \
	gateway/daemon/upload_end.c gateway/daemon/upload_part.c \
	gateway/daemon/uploads.c gateway/daemon/uploads.h gateway/daemon/uploads_files.c \
	gateway/daemon/uploads_parts.h \
	gateway/daemon/user.c gateway/daemon/user.h \
	gateway/daemon/uses.c gateway/daemon/uses.h \
	gateway/daemon/watches.c gateway/daemon/watches.h \
	gateway/daemon/today.c gateway/daemon/today.h \
	gateway/daemon/told.c gateway/daemon/told.h \
	gateway/daemon/writer.c gateway/daemon/writer.h
biduid_CPPFLAGS = $(AM_CPPFLAGS)
biduid_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
biduid_LDFLAGS = $(LTO_LDFLAGS)
biduid_LDADD = libbd_http.a libbd_trail.a libbd_answer.a libbd_store.a libbd_config.a libbd_intake.a libbd_record.a \
	libbd_base.a $(XML_LIBS) $(ZLIB_LIBS) $(LMDB_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UV_LIBS) \
	$(HTTP_PARSER_LIBS) -lunistring -lpthread

# The contract as the daemon serves it: made of the file that people read, the dictionary and the codes.
openapidir = $(pkgdatadir)/schemas
openapi_DATA = openapi.json
CLEANFILES += openapi.json
# Looked at each time, written only when it would differ: it is made of more files than a rule should list.
openapi.json: openapi-look
openapi-look:
	$(AM_V_at)$(PYTHON) $(top_srcdir)/gateway/daemon/openapi.py $(top_srcdir) openapi.json
.PHONY: openapi-look
EXTRA_DIST += gateway/daemon/openapi.py

systemdsystemunit_DATA = gateway/daemon/biduid.service
EXTRA_DIST += gateway/daemon/biduid.service.in
CLEANFILES += gateway/daemon/biduid.service
gateway/daemon/biduid.service: gateway/daemon/biduid.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) gateway/daemon && \
	sed -e 's#@sbindir[@]#$(sbindir)#g' -e 's#@sysconfdir[@]#$(sysconfdir)#g' \
		$(srcdir)/gateway/daemon/biduid.service.in >$@
