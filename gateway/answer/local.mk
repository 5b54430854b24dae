noinst_LIBRARIES += libbd_answer.a
libbd_answer_a_SOURCES = \
	gateway/answer/answer.h \
	gateway/answer/case_check.c \
	gateway/answer/case_file.c gateway/answer/case_file.h \
	gateway/answer/compare.c \
	gateway/answer/decide.c gateway/answer/decide.h \
	gateway/answer/element.c gateway/answer/element.h \
	gateway/answer/evidence.c gateway/answer/evidence.h \
	gateway/answer/finding.c gateway/answer/finding.h \
	gateway/answer/grant.c gateway/answer/grant.h \
	gateway/answer/held_file.c gateway/answer/held_file.h \
	gateway/answer/mask.c gateway/answer/mask.h \
	gateway/answer/matter.h \
	gateway/answer/memo.c gateway/answer/memo.h \
	gateway/answer/obligation.c gateway/answer/obligation.h \
	gateway/answer/opening.c gateway/answer/opening.h \
	gateway/answer/path.c gateway/answer/path.h \
	gateway/answer/query.c \
	gateway/answer/question.c gateway/answer/question.h \
	gateway/answer/render.c gateway/answer/render.h \
	gateway/answer/row.c gateway/answer/row.h \
	gateway/answer/subject.c \
	gateway/answer/test.c gateway/answer/test.h \
	gateway/answer/values.c \
	gateway/answer/verified.c gateway/answer/verified.h
libbd_answer_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_answer_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
