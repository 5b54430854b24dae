#include "daemon/mailbox.h"

#include "base/limits.h"
#include "base/thread.h"

#include <stddef.h>

/* False: there is none. */
static bool deliver_one(struct bd_mailbox *mailbox)
{
	struct bd_letter *letter;

	if (mailbox->taken == NULL) {
		uv_mutex_lock(&mailbox->lock);
		mailbox->taken = mailbox->first;
		mailbox->first = NULL;
		mailbox->last = &mailbox->first;
		uv_mutex_unlock(&mailbox->lock);
	}
	letter = mailbox->taken;
	if (letter == NULL) {
		return false;
	}
	mailbox->taken = letter->next;
	letter->deliver(letter);
	return true;
}

/* As far as the turn lasts. That there are more may have been told already, for this turn: it is
 * told again unless none was found. */
static void on_letters(uv_async_t *async)
{
	struct bd_mailbox *mailbox =
		(struct bd_mailbox *)((char *)async - offsetof(struct bd_mailbox, async));
	uint64_t begun_ns = uv_hrtime();

	bd_thread_answering(true);
	while (deliver_one(mailbox)) {
		if (uv_hrtime() - begun_ns >= BD_TURN_NS && !uv_is_closing((uv_handle_t *)async)) {
			uv_async_send(async);
			bd_thread_share();
			break;
		}
	}
}

enum bd_code bd_mailbox_open(struct bd_mailbox *mailbox, uv_loop_t *loop)
{
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	mailbox->taken = NULL;
	if (uv_mutex_init(&mailbox->lock) != 0) {
		return BD_NO_MEMORY;
	}
	if (uv_async_init(loop, &mailbox->async, on_letters) != 0) {
		uv_mutex_destroy(&mailbox->lock);
		return BD_INTERNAL;
	}
	return BD_OK;
}

void bd_mailbox_post(struct bd_mailbox *mailbox, struct bd_letter *letter)
{
	letter->next = NULL;
	uv_mutex_lock(&mailbox->lock);
	*mailbox->last = letter;
	mailbox->last = &letter->next;
	/* Under the lock: once the letter can be delivered, and with it the mailbox closed, nobody
	 * touches the mailbox here any more. */
	uv_async_send(&mailbox->async);
	uv_mutex_unlock(&mailbox->lock);
}

static void on_closed(uv_handle_t *handle)
{
	struct bd_mailbox *mailbox =
		(struct bd_mailbox *)((char *)handle - offsetof(struct bd_mailbox, async));

	uv_mutex_destroy(&mailbox->lock);
}

void bd_mailbox_close(struct bd_mailbox *mailbox)
{
	while (deliver_one(mailbox)) {
	}
	uv_close((uv_handle_t *)&mailbox->async, on_closed);
}
