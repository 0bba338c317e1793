/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Common windows: of processes that share a device context (X5), for as long as one of them has a
 * handle there. They are found by the share's number, which is never another's.
 *
 * commons_lock guards the list and the counts, and is held while somebody joins: so whoever comes
 * upon a common window while the last one leaves makes another.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "server.h"

struct common {
	struct common *next;
	uint64_t share;
	const struct region *region; /* only compared */
	struct window *window;
	unsigned members;
};

static pthread_mutex_t commons_lock = PTHREAD_MUTEX_INITIALIZER;
static struct common *commons;

/* commons_lock held. */
static struct common *common_find(uint64_t share, const struct region *r)
{
	struct common *c = commons;

	ASSERT_HELD(&commons_lock);
	while (c != NULL && (c->share != share || c->region != r))
		c = c->next;
	return c;
}

/* commons_lock held. 0 or -errno. */
static int common_make(uint64_t share, struct region *r, struct common **out)
{
	struct common *c = calloc(1, sizeof(*c));
	int error;

	ASSERT_HELD(&commons_lock);
	if (c == NULL)
		return -ENOMEM;
	error = window_create_common(r, &c->window);
	if (error != 0) {
		free(c);
		return error;
	}
	c->share = share;
	c->region = r;
	c->next = commons;
	commons = c;
	*out = c;
	return 0;
}

/* commons_lock held. The one to be closed, if nobody is in it; or NULL. */
static struct common *common_unlist(struct common *c)
{
	struct common **p = &commons;

	ASSERT_HELD(&commons_lock);
	if (c->members > 0)
		return NULL;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	return c;
}

static void common_close(struct common *c)
{
	if (c == NULL)
		return;
	window_close(c->window);
	free(c);
}

int common_join(uint64_t share, struct region *r, struct session *s, struct window **w,
		struct common **out)
{
	struct common *c, *gone = NULL;
	int error = 0;

	ASSERT_HELD(&s->lock);
	pthread_mutex_lock(&commons_lock);
	c = common_find(share, r);
	if (c == NULL)
		error = common_make(share, r, &c);
	if (error == 0) {
		error = window_join(c->window, &s->uffd, w);
		c->members += error == 0;
		gone = common_unlist(c);
	}
	pthread_mutex_unlock(&commons_lock);
	common_close(gone);
	if (error == 0)
		*out = c;
	return error;
}

void common_leave(struct common *c, struct window *w)
{
	struct common *gone;

	pthread_mutex_lock(&commons_lock);
	window_close(w);
	c->members--;
	gone = common_unlist(c);
	pthread_mutex_unlock(&commons_lock);
	common_close(gone);
}
