/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Messages of drivers and about them: cmn_err(9F), dev_err(9F), ASSERT(9F), and mistakes (C26).
 *
 * A message is put together here and written at once: many threads write. CE_CONT is a message of
 * its own for the same reason.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/cmn_err.h>
#include <sys/debug.h>
#include <sys/sunddi.h>

#include "devinfo.h"
#include "log.h"

#define MESSAGE_MAX	1024

static const char *const level_names[] = {
	[CE_CONT] = "",
	[CE_NOTE] = "NOTICE: ",
	[CE_WARN] = "WARNING: ",
	[CE_PANIC] = "panic: ",
};

void driver_of_code(const void *code, char *name, size_t size)
{
	const struct driver *d = NULL;
	Dl_info info;

	(void)pthread_mutex_lock(&drivers_lock);
	if (dladdr(code, &info) != 0)
		for (d = drivers; d != NULL && d->base != info.dli_fbase; d = d->next)
			;
	(void)snprintf(name, size, "%s", d != NULL ? d->name : "devmap");
	(void)pthread_mutex_unlock(&drivers_lock);
}

/* Messages most often begin with the driver's name; then it is not said twice. */
static void say(int level, const char *who, const char *text)
{
	bool named = strncmp(text, who, strlen(who)) == 0;
	const char *colon = named ? "" : ": ";

	if (named)
		who = "";
	if (level >= CE_WARN)
		log_warn("%s%s%s%s", level_names[level], who, colon, text);
	else
		log_info("%s%s%s%s", level_names[level], who, colon, text);
	if (level == CE_PANIC)
		abort();
}

static void vsay(int level, const char *who, const char *format, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void vsay(int level, const char *who, const char *format, va_list ap)
{
	char text[MESSAGE_MAX];
	size_t len;

	if (level < CE_CONT || level > CE_PANIC)
		return;
	/* To the log, to the console, when verbose: here there is one place. */
	if (format[0] == '!' || format[0] == '^' || format[0] == '?')
		format++;
	(void)vsnprintf(text, sizeof (text), format, ap);
	for (len = strlen(text); len > 0 && text[len - 1] == '\n'; len--)
		text[len - 1] = '\0';
	if (len > 0 || level == CE_PANIC)
		say(level, who, text);
}

void cmn_err(int level, const char *format, ...)
{
	char who[MINOR_NAME_MAX];
	va_list ap;

	driver_of_code(CALLER(), who, sizeof (who));
	va_start(ap, format);
	vsay(level, who, format, ap);
	va_end(ap);
}

void vcmn_err(int level, const char *format, va_list ap)
{
	char who[MINOR_NAME_MAX];

	driver_of_code(CALLER(), who, sizeof (who));
	vsay(level, who, format, ap);
}

void dev_err(dev_info_t *dip, int level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsay(level, dip->name, format, ap);
	va_end(ap);
}

void panic(const char *format, ...)
{
	char who[MINOR_NAME_MAX];
	va_list ap;

	driver_of_code(CALLER(), who, sizeof (who));
	va_start(ap, format);
	vsay(CE_PANIC, who, format, ap);
	va_end(ap);
	abort();
}

void assfail(const char *what, const char *file, int line)
{
	char who[MINOR_NAME_MAX];

	driver_of_code(CALLER(), who, sizeof (who));
	log_warn("%s: assertion failed: %s, at %s:%d", who, what, file, line);
	abort();
}

void assfail3(const char *what, u_longlong_t left, const char *op, u_longlong_t right,
    const char *file, int line)
{
	char who[MINOR_NAME_MAX];

	driver_of_code(CALLER(), who, sizeof (who));
	log_warn("%s: assertion failed: %s (0x%llx %s 0x%llx), at %s:%d", who, what, left, op,
	    right, file, line);
	abort();
}

/* Mistakes. The places that have been told about; when it is full, so are we. */

#define PLACES	256

static _Atomic(uintptr_t) places[PLACES];

static bool first_time(const void *caller)
{
	uintptr_t place = (uintptr_t)caller, empty;

	for (size_t i = 0; i < PLACES; i++) {
		_Atomic(uintptr_t) *p = &places[(place + i) % PLACES];

		empty = 0;
		if (atomic_compare_exchange_strong(p, &empty, place))
			return true;
		if (empty == place)
			return false;
	}
	return false;
}

static void vmistake(const void *caller, const char *call, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void vmistake(const void *caller, const char *call, const char *fmt, va_list ap)
{
	char who[MINOR_NAME_MAX], text[MESSAGE_MAX];

	driver_of_code(caller, who, sizeof (who));
	(void)vsnprintf(text, sizeof (text), fmt, ap);
	log_warn("%s: %s: %s", who, call, text);
}

void driver_mistake(const void *caller, const char *call, const char *fmt, ...)
{
	va_list ap;

	if (!first_time(caller))
		return;
	va_start(ap, fmt);
	vmistake(caller, call, fmt, ap);
	va_end(ap);
}

void driver_panic(const void *caller, const char *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmistake(caller, call, fmt, ap);
	va_end(ap);
	abort();
}
