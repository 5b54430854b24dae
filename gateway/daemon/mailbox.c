#include "daemon/mailbox.h"

#include "daemon/thread.h"

#include <stddef.h>

static void deliver_all(uv_async_t *async)
{
	struct bd_mailbox *mailbox =
		(struct bd_mailbox *)((char *)async - offsetof(struct bd_mailbox, async));
	struct bd_letter *letter;
	uint64_t since_ns = uv_hrtime();

	uv_mutex_lock(&mailbox->lock);
	letter = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	uv_mutex_unlock(&mailbox->lock);
	while (letter != NULL) {
		struct bd_letter *next = letter->next;

		letter->deliver(letter);
		letter = next;
		bd_thread_share(&since_ns);
	}
}

enum bd_code bd_mailbox_open(struct bd_mailbox *mailbox, uv_loop_t *loop)
{
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	if (uv_mutex_init(&mailbox->lock) != 0) {
		return BD_NO_MEMORY;
	}
	if (uv_async_init(loop, &mailbox->async, deliver_all) != 0) {
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
	deliver_all(&mailbox->async);
	uv_close((uv_handle_t *)&mailbox->async, on_closed);
}
