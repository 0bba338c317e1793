/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Messages to the operator: see log.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"

#define MESSAGE_MAX 1024

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
