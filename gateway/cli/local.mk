bin_PROGRAMS += bidui
bidui_SOURCES = \
	gateway/cli/backtest.c gateway/cli/reproduced.c gateway/cli/reproduced.h \
	gateway/cli/account.c gateway/cli/adapter.c gateway/cli/adapter.h gateway/cli/answer.c \
	gateway/cli/answer.h gateway/cli/audit.c gateway/cli/audit.h gateway/cli/audit_find.c \
	gateway/cli/audit_show.c gateway/cli/audit_witness.c gateway/cli/backup.c \
	gateway/cli/change.c gateway/cli/cli.h gateway/cli/compare.c gateway/cli/dictionary.c \
	gateway/cli/dispute.c gateway/cli/erase.c gateway/cli/explain.c gateway/cli/file.c \
	gateway/cli/file.h gateway/cli/grant.c gateway/cli/installation.c \
	gateway/cli/installation.h gateway/cli/key.c gateway/cli/main.c gateway/cli/shares.c \
	gateway/cli/shares.h \
	gateway/cli/load.c gateway/cli/matter.c gateway/cli/obligation.c gateway/cli/offline.c gateway/cli/offline.h gateway/cli/options.c gateway/cli/progress.c gateway/cli/progress.h \
	gateway/cli/pki.c gateway/cli/pki_file.c gateway/cli/pki_file.h gateway/cli/pki_show.c gateway/cli/pki_show.h \
	gateway/cli/push.c gateway/cli/pushed.c gateway/cli/pushed.h gateway/cli/query.c gateway/cli/recall.c gateway/cli/receipt.c \
	gateway/cli/sample.c gateway/cli/secret.c gateway/cli/secret.h \
	gateway/cli/show.c gateway/cli/source.c gateway/cli/status.c gateway/cli/subject.c gateway/cli/subject.h \
	gateway/cli/table.c gateway/cli/table.h \
	gateway/cli/transport.c gateway/cli/transport.h gateway/cli/upload.c gateway/cli/upload.h gateway/cli/upload_ask.c \
	gateway/cli/upload_file.c gateway/cli/upload_parts.h gateway/cli/upload_send.c gateway/cli/watch.c
# What of the daemon loads a store offline (gateway/daemon/load.h).
bidui_SOURCES += \
	gateway/daemon/approval.c gateway/daemon/changes.c gateway/daemon/fence.c gateway/daemon/frame.c \
	gateway/daemon/guard.c gateway/daemon/imprint.c gateway/daemon/landlock.c gateway/daemon/load.c \
	gateway/daemon/load.h gateway/daemon/load_entry.c gateway/daemon/load_parts.h gateway/daemon/load_lines.c gateway/daemon/load_read.c gateway/daemon/load_read_parts.h gateway/daemon/load_store.c \
	gateway/daemon/mailbox.c gateway/daemon/message_keys.c gateway/daemon/opening.c gateway/daemon/pool.c \
	gateway/daemon/pool_talk.c gateway/daemon/pool_worker.c gateway/daemon/quota.c gateway/daemon/sandbox.c \
	gateway/daemon/secret.c gateway/daemon/sender_keys.c gateway/daemon/setup.c gateway/daemon/user.c
bidui_CPPFLAGS = $(AM_CPPFLAGS) -DBD_DATA_FOLDER='"$(pkgdatadir)"'
bidui_LDADD = libbd_http.a libbd_trail.a libbd_answer.a libbd_store.a libbd_config.a libbd_intake.a libbd_record.a libbd_base.a \
	$(XML_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(LMDB_LIBS) $(UV_LIBS) -lunistring -lpthread
