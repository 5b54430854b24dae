/* ready.c - GET /readyz: may messages and questions be sent here; with ?verbose each check a line,
 * for whoever looks after a gateway at night.
 *
 * Ready is: not stopping, the store can be read, the trail written, and messages can be parsed. All
 * else warns: "!" in front of a line is to be looked at, and does not take the gateway out of
 * service. A line is its sign, a name that stays, and what is the case in both languages; no name,
 * no path, no address.
 */
#include "base/clock.h"
#include "daemon/credentials.h"
#include "daemon/document.h"
#include "daemon/routes.h"
#include "daemon/uses.h"
#include "daemon/witness.h"
#include "daemon/witness_file.h"
#include "store/reseal.h"

#include <inttypes.h>
#include <string.h>

#define BODY_MAX_BYTES 8192
/* A head a second is signed while there is something to sign. */
#define HEAD_LATE_MS 30000
/* The clock of before an entry that was made already. */
#define CLOCK_BACK_MS 1000

static bool workers_can_start(const struct bd_pool *pool)
{
	struct bd_pool_counts counts;

	bd_pool_counts(&counts, pool);
	return counts.can_start;
}

/* Why not; BD_OK: it is ready. */
static enum bd_code find_fault(struct bd_loop *loop)
{
	struct bd_diag diag = { .code = BD_OK };

	if (loop->is_draining) {
		return BD_DRAINING;
	}
	if (bd_store_begin(loop->reader, &diag) != BD_OK) {
		return BD_BUSY;
	}
	bd_store_end(loop->reader);
	if (bd_trail_has_failed(loop->daemon->trail)) {
		return BD_TRAIL_UNAVAILABLE;
	}
	return workers_can_start(loop->short_pool) && workers_can_start(loop->long_pool)
		       ? BD_OK
		       : BD_WORKER_START;
}

/* -- a line each -- */

static enum bd_code line(
	struct bd_buf *out, bool is_good, const char *name, const char *zh, const char *en)
{
	return bd_buf_printf(out, "%s %s %s %s\n", is_good ? "+" : "!", name, zh, en);
}

static enum bd_code write_store(struct bd_buf *out, struct bd_loop *loop)
{
	struct bd_store_counts counts = { 0 };
	bool has_room = bd_store_has_room(loop->daemon->store);
	enum bd_code code;

	if (bd_store_begin(loop->reader, NULL) == BD_OK) {
		bd_store_counts(&counts, loop->reader, NULL);
		bd_store_end(loop->reader);
	}
	code = counts.long_failed == 0
		       ? line(out, true, "store", "数据可读写", "the data can be read and written")
		       : line(out, false, "store", "有长报文未能应用，见日志",
				 "a long message could not be applied: see the log");
	return code != BD_OK ? code
	       : has_room    ? line(out, true, "disk", "空间充足", "there is room")
			  : line(out, false, "disk", "空间不足，暂停写入（507），查询继续",
				    "too little room: pushes are refused (507), questions go on");
}

static enum bd_code write_trail(struct bd_buf *out, struct bd_loop *loop, int64_t now_ms)
{
	struct bd_trail_counts counts;
	enum bd_code code;
	bool is_late;

	bd_trail_count(&counts, loop->daemon->trail);
	is_late = counts.leaves < counts.entries && counts.head_ms != 0 &&
		  now_ms - counts.head_ms > HEAD_LATE_MS;
	if (bd_trail_is_low(loop->daemon->trail)) {
		code = line(out, false, "trail", "留痕空间仅剩储备，推送将被拒绝",
			"only the reserve of its space is left: pushes are refused");
	} else if (is_late) {
		code = line(out, false, "trail", "树头未能按时签名，见日志",
			"heads are signed late: see the log");
	} else {
		code = line(out, true, "trail", "留痕照常，已签名", "entries are made and signed");
	}
	if (code != BD_OK) {
		return code;
	}
	return counts.head_ms <= now_ms + CLOCK_BACK_MS
		       ? line(out, true, "clock", "时钟未倒退", "the clock has not gone back")
		       : line(out, false, "clock", "时钟早于最近的留痕，请检查对时",
				 "the clock is behind the newest entry: look at its "
				 "synchronisation");
}

static enum bd_code write_alarm(struct bd_buf *out, const struct bd_credentials_report *report,
	const char *name, const enum bd_code *codes, size_t count, const char *zh, const char *en)
{
	for (size_t i = 0; i < count; i++) {
		if (report->alarms[codes[i] - BD_TLS_OWN_EXPIRES]) {
			const struct bd_code_info *info = bd_code_info(codes[i]);

			return line(out, false, name, info->zh, info->en);
		}
	}
	return line(out, true, name, zh, en);
}

static enum bd_code write_tls(struct bd_buf *out, struct bd_loop *loop)
{
	static const enum bd_code certificates[] = { BD_TLS_OWN_EXPIRED, BD_TLS_FILES_REFUSED,
		BD_TLS_OWN_EXPIRES, BD_TLS_CA_EXPIRES };
	static const enum bd_code lists[] = { BD_TLS_CRL_EXPIRED, BD_TLS_CRL_LOST,
		BD_TLS_CRL_EXPIRES };
	struct bd_credentials_report report = { .has_crl = false };
	enum bd_code code;

	if (loop->daemon->credentials == NULL) {
		return line(out, true, "certificates", "未启用 TLS", "no TLS listener");
	}
	bd_credentials_report(&report, loop->daemon->credentials);
	code = write_alarm(out, &report, "certificates", certificates,
		sizeof(certificates) / sizeof(certificates[0]), "证书有效", "they are valid");
	if (code != BD_OK) {
		return code;
	}
	return report.has_crl
		       ? write_alarm(out, &report, "crl", lists, sizeof(lists) / sizeof(lists[0]),
				 "吊销列表在有效期内", "the revocation list is in its time")
		       : line(out, true, "crl", "未设置吊销列表", "no revocation list is set");
}

static enum bd_code write_workers(struct bd_buf *out, struct bd_loop *loop)
{
	struct bd_pool_counts brief, lasting;

	bd_pool_counts(&brief, loop->short_pool);
	bd_pool_counts(&lasting, loop->long_pool);
	return brief.queued + lasting.queued == 0
		       ? line(out, true, "workers", "解析进程可用", "messages can be parsed")
		       : line(out, true, "workers", "解析进程繁忙，报文排队中",
				 "all are busy, messages wait for one");
}

static enum bd_code write_witness(struct bd_buf *out, struct bd_loop *loop, int64_t now_ms)
{
	struct bd_witness_counts counts;
	struct bd_witness_file_state file;
	enum bd_code code;

	bd_witness_count(&counts, loop->daemon->witness);
	bd_witness_file_state(&file, loop->daemon->witness_file, bd_clock_monotonic_ms());
	if (counts.expected == 0) {
		code = line(out, true, "witness", "未设置见证人", "no witness is set");
	} else if (bd_witness_is_overdue(
			   &counts, loop->setup->settings->witness_age_max_s, now_ms)) {
		code = line(
			out, false, "witness", "久未得到见证", "none has countersigned for long");
	} else {
		code = line(out, true, "witness", "见证及时", "countersigned in time");
	}
	if (code != BD_OK) {
		return code;
	}
	return !file.is_there ? line(out, true, "witness_file", "未设置", "none is set")
	       : file.is_failing
		       ? line(out, false, "witness_file", "树头写不进去，请检查该存储",
				 "heads cannot be written: look at that storage")
		       : line(out, true, "witness_file", "树头照常写入", "heads are written");
}

static enum bd_code write_rest(struct bd_buf *out, struct bd_loop *loop, int64_t now_ms)
{
	struct bd_reseal_state keys;
	enum bd_code code;

	bd_store_reseal_state(&keys, loop->daemon->store);
	if (keys.damaged > 0) {
		code = line(out, false, "keys", "有内容无法以旧密钥打开，见日志",
			"something cannot be opened with an earlier key: see the log");
	} else if (keys.waits != BD_RESEAL_NOTHING) {
		code = line(out, true, "keys", "正在以新密钥重新密封", "being sealed anew");
	} else {
		code = line(out, true, "keys", "均以现行密钥密封",
			"all is sealed under the present key");
	}
	if (code != BD_OK) {
		return code;
	}
	return bd_uses_lapsed(loop->setup, bd_day_at(now_ms)) == 0
		       ? line(out, true, "uses", "用数申请均在有效期内",
				 "every approved use is in force")
		       : line(out, false, "uses", "有数据流的用数申请已过期，其数据不予提供",
				 "an approved use is not in force: that feed's data are withheld");
}

static enum bd_code write_all(struct bd_buf *out, struct bd_loop *loop)
{
	int64_t now_ms = bd_clock_wall_ms();
	enum bd_code code = write_store(out, loop);

	code = code == BD_OK ? write_trail(out, loop, now_ms) : code;
	code = code == BD_OK ? write_tls(out, loop) : code;
	code = code == BD_OK ? write_workers(out, loop) : code;
	code = code == BD_OK ? write_witness(out, loop, now_ms) : code;
	code = code == BD_OK ? write_rest(out, loop, now_ms) : code;
	if (code == BD_OK && loop->setup->sandbox.len > 0) {
		code = line(out, false, "sandbox", "沙盒已启用，不得用于生产",
			"the sandbox is on: not for production");
	}
	return code;
}

/* "?verbose" or "?verbose=true". */
static bool is_verbose(const struct bd_http_exchange *exchange)
{
	enum bd_code code;
	char text[8];

	return bd_call_parameter(text, sizeof(text), &code, bd_http_query(exchange), "verbose") &&
	       strcmp(text, "false") != 0;
}

void bd_readyz_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	enum bd_code code = find_fault(loop);
	struct bd_buf body;

	(void)sender;
	(void)parts;
	if (code != BD_OK) {
		bd_problem_respond_code(exchange, code, "");
		return;
	}
	if (!is_verbose(exchange)) {
		bd_document_respond(exchange, "application/json", "",
			bd_bytes_of(loop->setup->sandbox.len > 0
					    ? "{\"ready\":true,\"sandbox\":true}\n"
					    : "{\"ready\":true}\n"));
		return;
	}
	bd_buf_init(&body, BODY_MAX_BYTES);
	code = write_all(&body, loop);
	if (code == BD_OK) {
		bd_document_respond(exchange, "text/plain; charset=utf-8", "", bd_buf_bytes(&body));
	} else {
		bd_problem_respond_code(exchange, code, "");
	}
	bd_buf_release(&body);
}
