/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Messages of drivers and about them: cmn_err(9F), dev_err(9F), ASSERT(9F), and mistakes (C26).
 *
 * A message is put together here and written at once: many threads write. CE_CONT is a message of
 * its own for the same reason.
 */
#include <sys/cmn_err.h>
#include <sys/debug.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"

/* Messages most often begin with the driver's name; then it is not said twice. */
static void say(enum port_log kind, const char *who, const char *text)
{
	if (strncmp(text, who, strlen(who)) == 0)
		port_log(kind, "%s", text);
	else
		port_log(kind, "%s: %s", who, text);
}

static void trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
}

void driver_vsay(int level, const char *who, const char *format, va_list ap)
{
	char *text;

	if (level < CE_CONT || level > CE_PANIC)
		return;
	/* To the log, to the console, when verbose: here there is one place. */
	if (format[0] == '!' || format[0] == '^' || format[0] == '?')
		format++;
	text = port_vformat(format, ap);
	if (text != NULL)
		trim(text);
	if (text == NULL || text[0] != '\0' || level == CE_PANIC)
		say((enum port_log)level, who, text != NULL ? text : format);
	port_text_free(text);
	if (level == CE_PANIC)
		port_end();
}

void cmn_err(int level, const char *format, ...)
{
	char who[DRIVER_NAME_MAX];
	va_list ap;

	driver_of_code(CALL_SITE(), who, sizeof(who));
	va_start(ap, format);
	driver_vsay(level, who, format, ap);
	va_end(ap);
}

void vcmn_err(int level, const char *format, va_list ap)
{
	char who[DRIVER_NAME_MAX];

	driver_of_code(CALL_SITE(), who, sizeof(who));
	driver_vsay(level, who, format, ap);
}

void dev_err(dev_info_t *dip, int level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	driver_vsay(level, ddi_instance_of(dip)->name, format, ap);
	va_end(ap);
}

/* What was asserted is what the code after it relies on, so it does not run. */
void assfail(const char *what, const char *file, int line)
{
	char who[DRIVER_NAME_MAX];

	driver_of_code(CALL_SITE(), who, sizeof(who));
	port_log(PORT_LOG_LAST, "%s: assertion failed: %s, at %s:%d", who, what, file, line);
	port_end();
}

void assfail3(const char *what, u_longlong_t left, const char *op, u_longlong_t right,
	      const char *file, int line)
{
	char who[DRIVER_NAME_MAX];

	driver_of_code(CALL_SITE(), who, sizeof(who));
	port_log(PORT_LOG_LAST, "%s: assertion failed: %s (0x%llx %s 0x%llx), at %s:%d", who, what,
		 left, op, right, file, line);
	port_end();
}

/* Mistakes. The places that have been told about; when it is full, so are we. */

#define PLACES 256

static uintptr_t places[PLACES];

static bool first_time(const void *site)
{
	uintptr_t place = (uintptr_t)site, was;

	for (size_t i = 0; i < PLACES; i++) {
		was = 0;
		if (__atomic_compare_exchange_n(&places[(place + i) % PLACES], &was, place, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
		if (was == place)
			return false;
	}
	return false;
}

/* That a place which was pushed behind one of these may be told about twice is no harm. */
void mistakes_forget(bool (*gone)(uintptr_t code, const void *arg), const void *arg)
{
	for (size_t i = 0; i < PLACES; i++) {
		uintptr_t place = __atomic_load_n(&places[i], __ATOMIC_RELAXED);

		if (place != 0 && gone(place, arg))
			__atomic_store_n(&places[i], 0, __ATOMIC_RELAXED);
	}
}

static void vmistake(enum port_log kind, const void *site, const char *call, const char *fmt,
		     va_list ap) __attribute__((format(printf, 4, 0)));

static void vmistake(enum port_log kind, const void *site, const char *call, const char *fmt,
		     va_list ap)
{
	char *text = port_vformat(fmt, ap), who[DRIVER_NAME_MAX];

	driver_of_code(site, who, sizeof(who));
	port_log(kind, "%s: %s: %s", who, call, text != NULL ? text : fmt);
	port_text_free(text);
}

void driver_mistake(const void *site, const char *call, const char *fmt, ...)
{
	va_list ap;

	if (!first_time(site))
		return;
	va_start(ap, fmt);
	vmistake(PORT_LOG_MISTAKE, site, call, fmt, ap);
	va_end(ap);
}

void driver_panic(const void *site, const char *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmistake(PORT_LOG_LAST, site, call, fmt, ap);
	va_end(ap);
	port_end();
}
