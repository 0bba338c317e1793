/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Messages to the operator: see log.h. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "held.h"
#include "log.h"

#define MESSAGE_MAX 1024
#define USERS	    64
#define PERIOD_S    10

/* What a user's clients have had said in a period. Users share a place if their numbers do. */
struct share {
	time_t since; /* CLOCK_MONOTONIC, s */
	unsigned said, kept_back;
};

static pthread_mutex_t shares_lock = PTHREAD_MUTEX_INITIALIZER;
static struct share shares[USERS];

/* One write(2), so that messages of several threads and processes do not mix. */
static void log_message(const char *fmt, va_list args)
{
	char line[MESSAGE_MAX + 2];
	int saved = errno, n = snprintf(line, MESSAGE_MAX, "devmap: ");
	int more = vsnprintf(line + n, (size_t)(MESSAGE_MAX - n), fmt, args);
	ssize_t ignored;

	if (more > 0)
		n = more < MESSAGE_MAX - n ? n + more : MESSAGE_MAX - 1;
	line[n++] = '\n';
	ignored = write(STDERR_FILENO, line, (size_t)n); /* there is nobody to tell */
	(void)ignored;
	errno = saved;
}

void log_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_message(fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_message(fmt, args);
	va_end(args);
}

/* May one more be said? *missing: how many were kept back before, of which it is time to speak. */
static bool share_take(struct share *s, unsigned *missing)
{
	struct timespec t;
	bool may;

	*missing = 0;
	clock_gettime(CLOCK_MONOTONIC, &t);
	pthread_mutex_lock(&shares_lock);
	if (s->said == 0 || t.tv_sec - s->since >= PERIOD_S) {
		*missing = s->kept_back;
		*s = (struct share){ .since = t.tv_sec };
	}
	may = s->said < LOG_LINES_MAX;
	if (may)
		s->said++;
	else
		s->kept_back++;
	pthread_mutex_unlock(&shares_lock);
	return may;
}

void log_client(uid_t uid, const char *fmt, ...)
{
	unsigned missing;
	va_list args;

	if (!share_take(&shares[uid % USERS], &missing))
		return;
	if (missing > 0)
		log_warn("user %u: %u more messages about his processes were kept back",
			 (unsigned)uid, missing);
	va_start(args, fmt);
	log_message(fmt, args);
	va_end(args);
}
